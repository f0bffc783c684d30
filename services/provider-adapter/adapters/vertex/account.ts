import { createPrivateKey } from "node:crypto";
import type { GoogleToken } from "google-auth-library";
import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { cleanMessage } from "../../domain/clean-message.ts";
import { asObject, asString, parseJson } from "../../wire/json.ts";
import type { AskForToken, GrantedToken } from "../adapter.ts";

/** What may be done with a token. */
const scope = "https://www.googleapis.com/auth/cloud-platform";
/** How long a token is believed to hold where the answer does not say. */
const usualLifeS = 3_600;

type TokenOptions = NonNullable<ConstructorParameters<typeof GoogleToken>[0]>;
type Transporter = NonNullable<TokenOptions["transporter"]>;

/** The key file of a service account. */
interface ServiceAccount {
  readonly email: string;
  readonly key: string;
  readonly tokenUrl: string;
}

/** Throws where a credential is meant as a key file and is none. What it says names no part of it. */
export function checkVertexCredential(credential: string): void {
  accountOf(credential);
}

/** Exchanges the key file of a service account for a token; anything else is a token already. */
export function grantVertexToken(credential: string, ask: AskForToken): Promise<GrantedToken> | undefined {
  const account = accountOf(credential);
  return account === undefined ? undefined : exchange(account, ask);
}

async function exchange({ email, key, tokenUrl }: ServiceAccount, ask: AskForToken): Promise<GrantedToken> {
  // Loaded where such a channel is alone: it takes 13 MB.
  const { GoogleToken: Exchange } = await import("google-auth-library");
  let failure: ThroughlineError | undefined;
  const token = new Exchange({
    email,
    key,
    scope,
    additionalClaims: { aud: tokenUrl },
    transporter: {
      async request({ data }: { data?: unknown }) {
        const answer = await ask(
          tokenUrl,
          { "content-type": "application/x-www-form-urlencoded" },
          Buffer.from(String(data)),
        );
        const said = asObject(parseJson(answer.body.toString())) ?? {};
        if (answer.status !== 200) failure = refused(answer.status, said);
        if (failure !== undefined) throw failure;
        return { data: said };
      },
    } as unknown as Transporter,
  });
  const startMs = Date.now();
  const { access_token, expires_in } = await token.getToken();
  if (typeof access_token !== "string" || !/^[\x21-\x7e]+$/.test(access_token)) {
    throw new ThroughlineError("upstream_error", "The token endpoint of the channel's account gave no token.");
  }
  const lifeS = typeof expires_in === "number" && expires_in > 0 ? expires_in : usualLifeS;
  return { token: access_token, endsMs: startMs + lifeS * 1_000 };
}

/** Its words are for the operator's log alone. */
function refused(status: number, said: Readonly<Record<string, unknown>>): ThroughlineError {
  const why = [asString(said.error), asString(said.error_description)].filter(Boolean).join(": ");
  const told = why === "" ? "" : ` (${cleanMessage(why)})`;
  return new ThroughlineError(
    "upstream_error",
    `The token endpoint of the channel's account refused it: ${status}${told}.`,
  );
}

function accountOf(credential: string): ServiceAccount | undefined {
  if (!credential.startsWith("{")) return undefined;
  const file = asObject(parseJson(credential)) ?? {};
  if (file.type !== "service_account") throw new Error("a credential is no key file of a service account");
  const email = asString(file.client_email) ?? "";
  const key = asString(file.private_key) ?? "";
  const tokenUrl = asString(file.token_uri) ?? "https://oauth2.googleapis.com/token";
  if (email === "" || !isPrivateKey(key)) {
    throw new Error("a credential is a key file without client_email, or whose private_key cannot be read");
  }
  if (!isSafe(tokenUrl)) throw new Error("token_uri of a key file must begin with https://, but on this machine");
  return { email, key, tokenUrl };
}

function isPrivateKey(text: string): boolean {
  try {
    return createPrivateKey(text).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}

/** The assertion that goes there is as good as the key for an hour. */
function isSafe(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username } = new URL(text);
  if (username !== "") return false;
  return protocol === "https:" || (protocol === "http:" && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname));
}
