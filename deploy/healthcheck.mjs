// Says by its exit code whether a process of Throughline is ready: 0 yes, 1 no, 2 wrong usage. Node's own modules only, so
// that a check costs one small process and no package.
//
//   node deploy/healthcheck.mjs http://127.0.0.1:8080/readyz     the gateway
//   node deploy/healthcheck.mjs grpc://127.0.0.1:50051           a service (grpc.health.v1, service "readiness"),
//                                                                by TLS where GRPC_TLS_CERT_FILE is set

import { readFileSync } from "node:fs";
import { connect } from "node:http2";

const timeoutMs = 2_500;
/** The service that a process answers for as a whole: it serves while a call would succeed. */
const askedService = "readiness";
/** SERVING of grpc.health.v1.HealthCheckResponse. */
const serving = 1;

const url = URL.canParse(process.argv[2] ?? "") ? new URL(process.argv[2]) : undefined;
if (url === undefined || !["http:", "grpc:"].includes(url.protocol)) {
  process.stderr.write("usage: healthcheck.mjs http://host:port/path | grpc://host:port\n");
  process.exit(2);
}
setTimeout(() => end(false, `no answer within ${timeoutMs} ms`), timeoutMs);
if (url.protocol === "http:") await checkHttp();
else checkGrpc();

async function checkHttp() {
  try {
    const response = await fetch(url);
    end(response.ok, `HTTP ${response.status}`);
  } catch (error) {
    end(false, error.cause?.code ?? error.message);
  }
}

/** What the process itself is given. Its certificate names the service, not this address: its authority is what counts here. */
function tlsOptions({ GRPC_TLS_CERT_FILE: cert, GRPC_TLS_KEY_FILE: key, GRPC_TLS_CA_FILE: ca }) {
  if (!cert || !key) return undefined;
  return {
    cert: readFileSync(cert),
    key: readFileSync(key),
    ...(ca ? { ca: readFileSync(ca) } : {}),
    checkServerIdentity: () => undefined,
  };
}

/** One unary call by hand: a length-prefixed protobuf message each way over HTTP/2. */
function checkGrpc() {
  // biome-ignore lint/style/noProcessEnv: it runs by itself, without the configuration of a process.
  const tls = tlsOptions(process.env);
  const session = connect(`${tls === undefined ? "http" : "https"}://${url.host}`, tls);
  session.on("error", (error) => end(false, error.code ?? error.message));
  const call = session.request({
    ":method": "POST",
    ":path": "/grpc.health.v1.Health/Check",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const parts = [];
  call.on("data", (part) => parts.push(part));
  call.on("error", (error) => end(false, error.code ?? error.message));
  call.on("end", () => {
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
