// Says by its exit code whether a process of Throughline is ready: 0 yes, 1 no, 2 wrong usage. Node's own modules only, so
// that a check costs one small process and no package.
//
//   node deploy/healthcheck.mjs http://127.0.0.1:8080/readyz     the gateway
//   node deploy/healthcheck.mjs grpc://127.0.0.1:50051           a service (grpc.health.v1, service "readiness"),
//                                                                by TLS where GRPC_TLS_CERT_FILE or
//                                                                GRPC_TLS_CA_FILE is set
//   node deploy/healthcheck.mjs                                  in a container: whatever role it has

import { readFileSync } from "node:fs";
import { connect } from "node:http2";

const timeoutMs = 2_500;
/** The service that a process answers for as a whole: it serves while a call would succeed. */
const askedService = "readiness";
/** SERVING of grpc.health.v1.HealthCheckResponse. */
const serving = 1;

/** What an error of a connection comes from, where its code alone sends nobody to the right place. */
const meanings = [
  [/CERT_HAS_EXPIRED/, "its certificate has ended"],
  [/CERT_NOT_YET_VALID/, "its certificate is not valid yet"],
  [/SELF_SIGNED|UNABLE_TO_/, "its certificate is of an authority that is not in GRPC_TLS_CA_FILE"],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST/, "it speaks plain text, and this check TLS"],
  [/ALERT_UNKNOWN_CA/, "it does not know the authority of this certificate"],
  [/CERTIFICATE_REQUIRED/, "it wants a certificate, and GRPC_TLS_CERT_FILE is not set"],
  [/ALERT_CERTIFICATE_EXPIRED/, "this certificate has ended"],
  [/ALERT_/, "it refuses this certificate"],
  [/KEY_VALUES_MISMATCH/, "GRPC_TLS_KEY_FILE is not the key of GRPC_TLS_CERT_FILE"],
];

// biome-ignore lint/style/noProcessEnv: it runs by itself, without the configuration of a process.
const address = process.argv[2] ?? addressOfRole(process.env);
const url = URL.canParse(address ?? "") ? new URL(address) : undefined;
if (url === undefined || !["http:", "grpc:"].includes(url.protocol)) {
  process.stderr.write(
    "usage: healthcheck.mjs [http://host:port/path | grpc://host:port]; without an address in a container only\n",
  );
  process.exit(2);
}
setTimeout(() => end(false, `no answer within ${timeoutMs} ms`), timeoutMs);
if (url.protocol === "http:") await checkHttp();
else checkGrpc();

/** Where the role of this container is asked; its first process, or one that an init keeps, says which it is. */
function addressOfRole(env) {
  const port = env.PORT || "8080";
  const grpc = `grpc://127.0.0.1:${env.GRPC_PORT || "50051"}`;
  const addresses = {
    gateway: `http://127.0.0.1:${port}/readyz`,
    up: `http://127.0.0.1:${port}/readyz`,
    mesh: `http://127.0.0.1:${port}/readyz`,
    simulator: `http://127.0.0.1:${port}/sim/models`,
    routing: grpc,
    billing: grpc,
    provider: grpc,
    history: grpc,
    jobs: grpc,
  };
  let words = [];
  try {
    words = readFileSync(env.THROUGHLINE_FIRST_PROCESS || "/proc/1/cmdline", "utf8").split("\0");
  } catch {
    // No /proc: the usage says what to give.
  }
  const role = words[words.findIndex((word) => word.endsWith("cli/main.ts")) + 1] ?? "";
  return Object.hasOwn(addresses, role) ? addresses[role] : undefined;
}

async function checkHttp() {
  try {
    const response = await fetch(url);
    end(response.ok, `HTTP ${response.status}`);
  } catch (error) {
    end(false, error.cause?.code ?? error.message);
  }
}

/** What the process itself is given. Its certificate names the service, not this address: its authority is what counts here. */
function tlsOptions(env) {
  const read = (name) => {
    if (!env[name]) return {};
    try {
      return { [name]: readFileSync(env[name]) };
    } catch (error) {
      return end(false, `${name} cannot be read (${error.code})`);
    }
  };
  const files = { ...read("GRPC_TLS_CERT_FILE"), ...read("GRPC_TLS_KEY_FILE"), ...read("GRPC_TLS_CA_FILE") };
  if (Object.keys(files).length === 0) return undefined;
  const { GRPC_TLS_CERT_FILE: cert, GRPC_TLS_KEY_FILE: key, GRPC_TLS_CA_FILE: ca } = files;
  return { cert, key, ...(ca === undefined ? {} : { ca }), checkServerIdentity: () => undefined };
}

function reasonOf(error, tls) {
  const code = error.code ?? error.message;
  const meaning = meanings.find(([pattern]) => pattern.test(code))?.[1];
  if (meaning !== undefined) return `${meaning} (${code})`;
  return /ECONNRESET|ERR_HTTP2/.test(code) ? `${hungUp(tls)} (${code})` : code;
}

/** A server hangs up without a word on plain text where it speaks TLS, and on a certificate that it does not take. */
function hungUp(tls) {
  if (tls === undefined) return "it closed the connection; where it speaks TLS, set GRPC_TLS_CA_FILE";
  return "it closed the connection; its log says whether it refuses this certificate";
}

/** One unary call by hand: a length-prefixed protobuf message each way over HTTP/2. */
function checkGrpc() {
  // biome-ignore lint/style/noProcessEnv: it runs by itself, without the configuration of a process.
  const tls = tlsOptions(process.env);
  let session;
  try {
    session = connect(`${tls === undefined ? "http" : "https"}://${url.host}`, tls);
  } catch (error) {
    return end(false, reasonOf(error, tls));
  }
  session.on("error", (error) => end(false, reasonOf(error, tls)));
  const call = session.request({
    ":method": "POST",
    ":path": "/grpc.health.v1.Health/Check",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const parts = [];
  let answered = false;
  call.on("response", () => {
    answered = true;
  });
  call.on("data", (part) => parts.push(part));
  // The call only knows that its connection is gone; why, the session says a moment later.
  call.on("error", (error) => setTimeout(() => end(false, reasonOf(error, tls)), 100));
  call.on("end", () => {
    if (parts.length === 0) return void setTimeout(() => end(false, answered ? "not serving" : hungUp(tls)), 100);
    // 5 bytes of prefix, then field 1 (status) as a varint.
    const answer = Buffer.concat(parts);
    end(answer.length >= 7 && answer[5] === 0x08 && answer[6] === serving, "not serving");
  });
  // HealthCheckRequest: field 1 (service), a string.
  const name = Buffer.from(askedService);
  const message = Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  call.end(Buffer.concat([prefix, message]));
}

function end(ready, why) {
  if (!ready) process.stderr.write(`not ready: ${why}\n`);
  process.exit(ready ? 0 : 1);
}
