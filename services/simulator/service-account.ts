import { createHash, generateKeyPairSync, randomBytes, verify } from "node:crypto";
import { objectOf, parsedObject, stringOf } from "./json.ts";

/** The service account of one simulator, and the tokens that it was given. */
export interface ServiceAccount {
  /** Its key file, as Google gives one out. Made when it is first asked for. */
  keyFile(origin: string): string;
  /** Exchanges the body of a token request; or why not, in Google's words. */
  exchange(form: string): { readonly token: string; readonly lifeS: number } | { readonly refused: string };
  /** True: the simulator gave this token, and it still holds. */
  holds(token: string): boolean;
}

const grantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/** Name of the account, where its own key file is used. */
const email = "simulated@simulated-project.iam.gserviceaccount.com";
/** So long a token holds, in seconds; an account named `brief-<n>@...` gets those of n seconds. */
const usualLifeS = 3_599;
/** Most tokens that are remembered. */
const maxTokens = 1_000;

/** Creates the account. */
export function createServiceAccount(): ServiceAccount {
  let pair: { readonly privateKey: string; readonly publicKey: string } | undefined;
  const keys = () => {
    pair ??= generateKeyPairSync("rsa", {
      modulusLength: 2_048,
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    return pair;
  };
  const tokens = new Map<string, number>();

  return {
    keyFile(origin) {
      const { privateKey, publicKey } = keys();
      return JSON.stringify({
        type: "service_account",
        project_id: "simulated-project",
        private_key_id: createHash("sha1").update(publicKey).digest("hex"),
        private_key: privateKey,
        client_email: email,
        client_id: "100000000000000000000",
        token_uri: `${origin}/token`,
        universe_domain: "googleapis.com",
      });
    },
    exchange(form) {
      const said = new URLSearchParams(form);
      if (said.get("grant_type") !== grantType) return { refused: "Invalid grant_type." };
      const [head = "", body = "", signature = ""] = (said.get("assertion") ?? "").split(".");
      const claims = objectOf(parsedObject(Buffer.from(body, "base64url").toString()));
      const { alg } = parsedObject(Buffer.from(head, "base64url").toString());
      const nowS = Date.now() / 1_000;
      const signed = Buffer.from(`${head}.${body}`);
      if (alg !== "RS256" || !verify("sha256", signed, keys().publicKey, Buffer.from(signature, "base64url"))) {
        return { refused: "Invalid JWT Signature." };
      }
      if (
        !(
          Number(claims.exp) > nowS &&
          Number(claims.iat) <= nowS + 60 &&
          Number(claims.exp) - Number(claims.iat) <= 3_600
        )
      ) {
        return {
          refused: "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
        };
      }
      if (stringOf(claims.scope) === "") return { refused: "Empty or missing scope not allowed." };
      const lifeS = Number(/^brief-(\d{1,4})@/.exec(stringOf(claims.iss))?.[1] ?? usualLifeS);
      const token = `ya29.sim-${randomBytes(24).toString("base64url")}`;
      tokens.set(token, Date.now() + lifeS * 1_000);
      const [oldest] = tokens.keys();
      if (tokens.size > maxTokens && oldest !== undefined) tokens.delete(oldest);
      return { token, lifeS };
    },
    holds: (token) => (tokens.get(token) ?? 0) > Date.now(),
  };
}
