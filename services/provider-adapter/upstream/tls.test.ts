import { once } from "node:events";
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer, type TlsOptions } from "node:tls";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { attribute } from "../../../shared/telemetry/attributes.ts";
import { startTestProvider } from "../testing-provider.ts";
import { chatRequest, gather } from "./testing.ts";
import { makeAuthority, type TestAuthority } from "./testing-tls.ts";
import { createUpstream } from "./upstream.ts";

/* Why a secure connection could not be made is known to operators, in OpenSSL's words; clients get one sentence for all. */

const answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
let authority: TestAuthority;
beforeAll(() => {
  authority = makeAuthority();
});

/** A TLS server until the end of the test; gives its origin. */
async function secure(options: TlsOptions, { silent = false } = {}): Promise<string> {
  const server = createServer(options, (socket) => {
    socket.on("error", () => {});
    if (silent) socket.destroy();
    else socket.on("data", () => socket.write(answer));
  });
  server.on("tlsClientError", () => {});
  onTestFinished(() => void server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return `https://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}

async function faultAt(origin: string) {
  const upstream = createUpstream({
    connectTimeoutMs: 5_000,
    headersTimeoutMs: 5_000,
    chunkTimeoutMs: 5_000,
    maxConnectionsPerOrigin: 4,
    ca: authority.ca,
  });
  onTestFinished(() => upstream.close());
  return await gather(upstream, chatRequest(origin, "m", false)).ending;
}

let plain: Server;
beforeAll(async () => {
  plain = createHttpServer().listen(0, "127.0.0.1");
  await once(plain, "listening");
});
afterAll(() => void plain.close());
const plainOrigin = () => {
  const address = plain.address();
  return `https://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
};

const cases: [name: string, origin: () => Promise<string> | string, code: RegExp][] = [
  ["expired", () => secure(authority.expired), /^CERT_HAS_EXPIRED$/],
  ["another host's", () => secure(authority.otherHost), /^ERR_TLS_CERT_ALTNAME_INVALID$/],
  ["signed by itself", () => secure(authority.own), /^DEPTH_ZERO_SELF_SIGNED_CERT$/],
  ["absent: the port speaks plain text", plainOrigin, /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/],
  [
    "of too old a TLS",
    () => secure({ ...authority.good, maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" }),
    /^ERR_SSL_\w+$/,
  ],
  [
    "fine, but HTTP/1.1 is not spoken",
    () => secure({ ...authority.good, ALPNProtocols: ["h2"] }),
    /^ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL$/,
  ],
  ...(["TLSv1.2", "TLSv1.3"] as const).map((maxVersion): (typeof cases)[number] => [
    `fine, but one of the client's is wanted (${maxVersion})`,
    () => secure({ ...authority.good, maxVersion, requestCert: true, rejectUnauthorized: true, ca: authority.ca }),
    /^(ERR_SSL_\w+|CLIENT_CERTIFICATE_WANTED)$/,
  ]),
  [
    "fine, but one of the client's is wanted, and nothing said of it",
    () => secure({ ...authority.good, requestCert: true, rejectUnauthorized: false }, { silent: true }),
    /^CLIENT_CERTIFICATE_WANTED$/,
  ],
];

test.each(cases)("a certificate that is %s", async (_name, origin, code) => {
  const { fault } = await faultAt(await origin());
  expect(fault).toMatchObject({ kind: "tls", headSeen: false, detail: expect.stringMatching(code) });
});

test("one of a trusted authority is fine", async () => {
  expect(await faultAt(await secure(authority.good))).toMatchObject({ fault: undefined, text: "ok" });
});

test("the reason stands in the log, the span and the attempt; the client gets a sentence without it", async () => {
  const warnings: Readonly<Record<string, unknown>>[] = [];
  await using provider = await startTestProvider(
    { strange: { adapter: "openai", baseUrl: `${await secure(authority.good)}/v1` } },
    { onWarn: (line) => warnings.push(line) },
  );
  const { error, outcome } = await provider.invoke({
    dialect: "openai.chat",
    body: { model: "m", messages: [{ role: "user", content: "Hi" }] },
    candidates: [{ channel: "strange", model: "m" }],
  });
  const reason = { fault: "tls", code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" };
  expect(outcome.attempts).toEqual([expect.objectContaining({ fault: reason.fault, faultCode: reason.code })]);
  expect(warnings).toContainEqual(
    expect.objectContaining({ channel: "strange", fault: reason.fault, fault_code: reason.code }),
  );
  const spans = await provider.telemetry.spans();
  const span = spans.find(({ attributes }) => attribute.fault in attributes);
  expect(span?.attributes).toMatchObject({ [attribute.fault]: reason.fault, [attribute.faultCode]: reason.code });
  expect(error).toMatchObject({
    code: "upstream_error",
    message: "The secure connection to the upstream could not be made.",
  });
});
