import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { ConfigError } from "./config.ts";

/**
 * Credentials of channels entered at run time, encrypted at rest: routing seals them, the provider opens them.
 *
 * Bytes: version (1), key number (1), nonce (12), ciphertext, tag (16); AES-256-GCM. Authenticated with them: the first
 * two bytes and the channel's name, so that a sealed credential opens for its own channel only.
 */

/** Keys by number. Sealing uses `current`; opening, the one that the sealed bytes name. */
export interface CredentialKeys {
  readonly current: number;
  readonly keys: ReadonlyMap<number, Buffer>;
}

const version = 1;
const headBytes = 2;
const nonceBytes = 12;
const tagBytes = 16;
const algorithm = "aes-256-gcm";

/**
 * Parses CREDENTIAL_KEY: 32 bytes in base64, or several with numbers from 0 to 255, the first of which seals:
 * `2:<base64>,1:<base64>`. A bare key has the number 1. Throws ConfigError, which never repeats a key.
 *
 * To rotate: give routing and provider-adapter `1:<old>,2:<new>`, then, when all of them can open with both, routing
 * `2:<new>,1:<old>`: it seals anew what is stored as it starts. Then take the old one out everywhere.
 */
export function parseCredentialKeys(text: string): CredentialKeys {
  const keys = new Map<number, Buffer>();
  for (const part of text.split(",").map((piece) => piece.trim())) {
    const [, number = "1", base64 = ""] = /^(?:(\d{1,3}):)?([A-Za-z0-9+/]{43}=)$/.exec(part) ?? [];
    const key = Buffer.from(base64, "base64");
    if (key.length !== 32 || Number(number) > 255) {
      throw new ConfigError(
        "CREDENTIAL_KEY",
        "CREDENTIAL_KEY must be 32 bytes in base64, or several as <number>:<base64>, separated by commas",
      );
    }
    if (keys.has(Number(number))) throw new ConfigError("CREDENTIAL_KEY", `CREDENTIAL_KEY has number ${number} twice`);
    keys.set(Number(number), key);
  }
  const [current = 1] = keys.keys();
  return { current, keys };
}

/** Seals a credential for a channel. */
export function sealCredential({ current, keys }: CredentialKeys, channel: string, credential: string): Buffer {
  const key = keys.get(current);
  if (key === undefined) throw new RangeError(`no credential key has the number ${current}`);
  const head = Buffer.from([version, current]);
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(boundTo(head, channel));
  const sealed = Buffer.concat([cipher.update(credential, "utf8"), cipher.final()]);
  return Buffer.concat([head, nonce, sealed, cipher.getAuthTag()]);
}

/**
 * Opens a sealed credential. Throws an Error that says why it cannot be, without anything of the credential: unknown
 * version, a key number that is not configured, or bytes that were changed or belong to another channel.
 */
export function openCredential({ keys }: CredentialKeys, channel: string, sealed: Uint8Array): string {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (bytes.length < headBytes + nonceBytes + tagBytes || bytes[0] !== version) {
    throw new Error("the sealed credential has an unknown form");
  }
  const number = bytes[1] ?? 0;
  const key = keys.get(number);
  if (key === undefined)
    throw new Error(`the credential is sealed with key ${number}, which CREDENTIAL_KEY does not have`);
  const nonce = bytes.subarray(headBytes, headBytes + nonceBytes);
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(boundTo(bytes.subarray(0, headBytes), channel));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  try {
    const ciphertext = bytes.subarray(headBytes + nonceBytes, -tagBytes);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString("utf8");
  } catch {
    throw new Error("the sealed credential was changed, or belongs to another channel or key");
  }
}

/** The number of the key that a credential is sealed with. */
export function sealedWith(sealed: Uint8Array): number {
  return sealed[1] ?? 0;
}

function boundTo(head: Buffer, channel: string): Buffer {
  return Buffer.concat([head, Buffer.from(channel, "utf8")]);
}
