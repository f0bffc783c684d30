import { timingSafeEqual } from "node:crypto";
import aws4, { type Credentials, type Request } from "aws4";
import type { Exchange, SimulatedError } from "../exchange.ts";
import { failureOf } from "../failures.ts";

/** The one access key that the simulator knows. */
export const simulatedAccessKey = {
  accessKeyId: "SIMULATEDACCESSKEY00",
  secretAccessKey: "simulated-secret-access-key-of-40-letters",
} as const;

/** The one that works with a session token alone. */
export const simulatedSession = {
  accessKeyId: "SIMULATEDSESSION0000",
  secretAccessKey: "simulated-secret-access-key-of-a-session",
  sessionToken: "simulated-session-token/with+signs==",
} as const;

/** How far a client's clock may be off. */
const maxSkewMs = 300_000;
const form =
  /^AWS4-HMAC-SHA256 Credential=(\w+)\/(\d{8})\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;

/** What the vendor says of a request that is not signed well; undefined: it is. Any Bearer is an API key. */
export function refusedSignature({ request, entry }: Exchange): SimulatedError | undefined {
  const { authorization = "", ...headers } = request.headers;
  if (/^Bearer \S+$/.test(authorization)) return undefined;
  const said = form.exec(authorization);
  if (said === null) return refused("MissingAuthenticationTokenException", "Missing Authentication Token");
  const [, id = "", day = "", region = "", service = "", names = "", signature = ""] = said;
  const key = [simulatedAccessKey, simulatedSession].find(({ accessKeyId }) => accessKeyId === id);
  const token = key !== undefined && "sessionToken" in key ? key.sessionToken : undefined;
  if (key === undefined || headers["x-amz-security-token"] !== token) {
    return refused("UnrecognizedClientException", "The security token included in the request is invalid.");
  }
  const date = String(headers["x-amz-date"] ?? "");
  if (service !== "bedrock" || !date.startsWith(day)) {
    return refused("InvalidSignatureException", "Credential should be scoped to correct service: 'bedrock'.");
  }
  const atMs = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!(Math.abs(Date.now() - atMs) <= maxSkewMs)) {
    return refused("InvalidSignatureException", `Signature expired: ${date} is now earlier than the current time.`);
  }
  const signed = names.split(";");
  const asked: Request & { extraHeadersToInclude: Readonly<Record<string, true>> } = {
    service,
    region,
    method: request.method ?? "",
    path: entry.path,
    headers: Object.fromEntries(signed.map((name) => [name, headers[name] ?? ""])),
    extraHeadersToInclude: Object.fromEntries(signed.map((name) => [name, true as const])),
    body: entry.body,
    doNotModifyHeaders: true,
  };
  const signer = new aws4.RequestSigner(asked, { ...key } satisfies Credentials);
  signer.datetime = date;
  const isHostSigned = signed.includes("host") && signed.includes("x-amz-date");
  if (isHostSigned && timingSafeEqual(Buffer.from(signer.signature()), Buffer.from(signature))) return undefined;
  return refused(
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.",
  );
}

function refused(code: string, message: string): SimulatedError {
  return { ...failureOf(403), code, message: `Simulated: ${message}` };
}
