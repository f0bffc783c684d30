import { type Client, Metadata, status } from "@grpc/grpc-js";
import { passBytes } from "./grpc-link.ts";

const method = "/grpc.health.v1.Health/Check";
const timeoutMs = 1_000;

/** What an error of a connection comes from, where OpenSSL and Node say it in words that send nobody to the right place. */
const meanings: readonly (readonly [RegExp, string])[] = [
  [/certificate has expired/, "the server's certificate has ended (CERT_HAS_EXPIRED)"],
  [/certificate is not yet valid/, "the server's certificate is not valid yet (CERT_NOT_YET_VALID)"],
  [
    /does not match certificate's altnames/,
    "the server's certificate is for another host (ERR_TLS_CERT_ALTNAME_INVALID)",
  ],
  [
    /self-signed certificate|unable to verify the first certificate|unable to get (?:local )?issuer certificate/,
    "the server's certificate is of an authority that this process does not know (GRPC_TLS_CA_FILE)",
  ],
  [/wrong version number|packet length too long|http request/, "the server speaks plain text, this process TLS"],
  [/alert unknown ca|unknown ca/, "the server does not know the authority of this process's certificate"],
  [/alert certificate required|certificate required/, "the server wants a certificate of this process, which has none"],
  [/alert certificate expired/, "the certificate of this process has ended"],
  [
    /alert bad certificate|alert unsupported certificate|alert certificate unknown/,
    "the server refuses this process's certificate",
  ],
  [
    /^Failed to connect$|ECONNRESET|Connection dropped|Client network socket disconnected/,
    "the server closed the connection: it refuses this process's certificate, or one side speaks TLS and the other plain text; the server's log says which",
  ],
  [/ECONNREFUSED/, "nothing listens there (ECONNREFUSED)"],
];

/**
 * Why a channel has no connection: a call that does not wait for one fails at once with what the last attempt came to.
 * Undefined: it has one, or nobody knows.
 *
 * @param handshake what the last TLS handshake came to, where one failed.
 */
export async function whyAway(client: Client, handshake?: Error): Promise<Error | undefined> {
  if (handshake !== undefined) return new Error(explained(handshake.message));
  const untilMs = performance.now() + timeoutMs;
  for (;;) {
    const details = await lastAttempt(client, Math.max(1, untilMs - performance.now()));
    if (details === undefined) return undefined;
    const said = explained(details);
    // After a look at DNS grpc-js has forgotten what the last attempt came to (its "null"): the next one is not far.
    if (said !== "null") return new Error(said);
    if (performance.now() > untilMs) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function lastAttempt(client: Client, leftMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + leftMs };
    try {
      client.makeUnaryRequest(method, passBytes, passBytes, Buffer.alloc(0), new Metadata(), options, (failure) => {
        if (failure?.code === status.UNAVAILABLE) resolve(failure.details);
        else resolve(failure?.code === status.DEADLINE_EXCEEDED ? "no answer to the attempt to connect" : undefined);
      });
    } catch {
      // It was closed in the meantime.
      resolve(undefined);
    }
  });
}

/** The reason in plain words, then what was said. */
export function explained(details: string): string {
  const said = details
    .replace(/^.*Last error: /s, "")
    .replace(/ ?\(\d{4}-\d\d-\d\dT[^)]*\)|\. Resolution note: .*$/gs, "")
    .replace(/^(?:Error: )+/, "")
    .trim();
  const meaning = meanings.find(([pattern]) => pattern.test(said))?.[1];
  return meaning === undefined ? said : `${meaning}: ${said}`;
}
