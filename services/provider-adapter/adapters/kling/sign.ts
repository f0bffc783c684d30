import { createHmac } from "node:crypto";

/** How long a token holds, seconds, and how far the vendor's clock may be behind ours (Kling, "Authentication"). */
const lifeS = 1_800;
const behindS = 5;

/** The header of a credential: of an access key and a secret a token (JWT, HS256), else the key itself. */
export function signKling(credential: string): Readonly<Record<string, string>> {
  const [, accessKey, secret] = /^([^:]+):(.+)$/.exec(credential) ?? [];
  const bearer = accessKey === undefined || secret === undefined ? credential : tokenOf(accessKey, secret, Date.now());
  return { authorization: `Bearer ${bearer}` };
}

/** A token that holds from a moment on. */
export function tokenOf(accessKey: string, secret: string, nowMs: number): string {
  const nowS = Math.floor(nowMs / 1_000);
  const said = [
    { alg: "HS256", typ: "JWT" },
    { iss: accessKey, exp: nowS + lifeS, nbf: nowS - behindS },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const text = said.join(".");
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}
