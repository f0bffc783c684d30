import aws4 from "aws4";
import type { UpstreamMessage } from "../../domain/exchange.ts";
import { asObject, asString, parseJson } from "../../wire/json.ts";
import type { SignedTarget } from "../adapter.ts";

interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Name of the service in signatures: not that of its host. */
const service = "bedrock";

/**
 * The headers of a credential: a signature (Signature Version 4) with an access key, given as `id:secret` or
 * `id:secret:session token` or as JSON; of anything else, which is an API key of Bedrock, a Bearer.
 */
export function signBedrock(
  credential: string,
  region: string,
  { body, contentType = "application/json" }: UpstreamMessage,
  { method, origin, path }: SignedTarget,
): Readonly<Record<string, string>> {
  const key = accessKeyOf(credential);
  if (key === undefined) return { authorization: `Bearer ${credential}` };
  const sent = method === "POST";
  const { headers = {} } = aws4.sign(
    {
      service,
      region,
      method,
      host: new URL(origin).host,
      path,
      // Only what this says is signed: proxies may add to the rest.
      headers: sent ? { "content-type": contentType, "content-length": body.length } : {},
      ...(sent ? { body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) } : {}),
    },
    key,
  );
  const signed: Record<string, string> = {};
  for (const name of ["Authorization", "X-Amz-Date", "X-Amz-Security-Token"]) {
    const value = headers[name];
    if (value !== undefined) signed[name.toLowerCase()] = String(value);
  }
  return signed;
}

/** Throws where it is meant as an access key and is none. */
export function checkBedrockCredential(credential: string): void {
  accessKeyOf(credential);
}

/** Undefined: it is a Bearer. Throws where it is meant as an access key and is none. */
function accessKeyOf(credential: string): AccessKey | undefined {
  if (credential.startsWith("{")) return keyInJson(credential);
  const [id = "", secret, ...token] = credential.split(":");
  if (secret === undefined) return undefined;
  return checked({ accessKeyId: id, secretAccessKey: secret, ...tokenOf(token.join(":")) });
}

/** As `aws sts assume-role`, `credential_process` and the console write it, and in snake case. */
function keyInJson(text: string): AccessKey {
  const top = asObject(parseJson(text)) ?? {};
  const given = asObject(top.Credentials) ?? top;
  const field = (camel: string, snake: string) => asString(given[camel]) ?? asString(given[snake]);
  return checked({
    accessKeyId: field("AccessKeyId", "access_key_id") ?? "",
    secretAccessKey: field("SecretAccessKey", "secret_access_key") ?? "",
    ...tokenOf(field("SessionToken", "session_token")),
  });
}

function tokenOf(sessionToken = ""): Pick<AccessKey, "sessionToken"> {
  return sessionToken === "" ? {} : { sessionToken };
}

function checked(key: AccessKey): AccessKey {
  const isId = /^\w{16,128}$/.test(key.accessKeyId);
  const isHeader = /^[\x21-\x7e]*$/.test(key.sessionToken ?? "");
  if (isId && key.secretAccessKey !== "" && isHeader) return key;
  throw new Error("a credential is no access key of AWS (id:secret, with a session token id:secret:token)");
}
