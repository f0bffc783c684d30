import { createHash, timingSafeEqual } from "node:crypto";
import { type Metadata, status } from "@grpc/grpc-js";
import { ConfigError } from "../config.ts";

/** The secret that the processes of a deployment know each other by. */
export interface PeerSecrets {
  /** The one that this process sends. */
  readonly sent: string;
  /** Whether a caller's is one of those accepted. The time that it takes does not depend on what is wrong. */
  accepts(given: string): boolean;
}

/** Metadata that carries the secret: once a lane, and once a unary call. */
export const secretKey = "throughline-secret";

/** What a caller without the secret is told. */
export const refusal = { code: status.UNAUTHENTICATED, details: "the call has not this deployment's GRPC_SECRET" };

// 128 bits: 22 characters of base64, 32 of hexadecimal.
const minLength = 22;
const minHexLength = 32;
const printable = /^[\x21-\x7e]+$/;
const hexadecimal = /^[0-9a-f]+$/i;

/**
 * Parses GRPC_SECRET: one secret, or several with commas between them, of which the first is sent and all are accepted.
 * Throws ConfigError, which never repeats a secret.
 */
export function parsePeerSecrets(text: string): PeerSecrets {
  const secrets = text.split(",").map((part) => part.trim());
  for (const secret of secrets) {
    if (!printable.test(secret)) {
      throw new ConfigError("GRPC_SECRET", "GRPC_SECRET must be printable ASCII characters without spaces");
    }
    if (secret.length < (hexadecimal.test(secret) ? minHexLength : minLength)) {
      throw new ConfigError(
        "GRPC_SECRET",
        "GRPC_SECRET must have at least 128 bits: make one with `openssl rand -base64 32`",
      );
    }
  }
  const digests = secrets.map(digest);
  const [sent = ""] = secrets;
  return {
    sent,
    accepts(given) {
      const asked = digest(given);
      let found = false;
      // All are compared, so that the time does not tell which one it was.
      for (const known of digests) if (timingSafeEqual(known, asked)) found = true;
      return found;
    },
  };
}

/** The secret that came with a call; undefined: none. */
export function secretOf(metadata: Metadata): string | undefined {
  const [value] = metadata.get(secretKey);
  return value === undefined ? undefined : String(value);
}

/** Digests are of one length, which the comparison needs. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
