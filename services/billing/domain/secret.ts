import { createHash, createHmac, randomInt, timingSafeEqual } from "node:crypto";

/** Kinds of keys, by their numbers in the contract and the database. */
export const keyKinds = { api: 1, server: 2, user: 3, cli: 4 } as const;
/** A kind of key. */
export type KeyKind = keyof typeof keyKinds;

const starts: Readonly<Record<KeyKind, string>> = {
  api: "tl-",
  server: "tl-server-",
  user: "tl-user-",
  cli: "tl-cli-",
};

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 43 letters of 62 hold 256 bits. Letters and digits alone: a double click selects all of it. */
const secretLetters = 43;
const visibleLetters = 6;

/** Shortest secret that may be brought along. */
export const minSecretLength = 16;

/** A new secret of a kind. */
export function newSecret(kind: KeyKind): string {
  let secret = starts[kind];
  for (let i = 0; i < secretLetters; i++) secret += letters.charAt(randomInt(letters.length));
  return secret;
}

/**
 * The secret that a call makes of the one that asked: the same whenever it is repeated, so that nobody has to keep it. Who knows
 * only some of what goes in (the pepper, the asking secret's digest, the caller's key of the call) cannot make it.
 */
export function successorSecret(pepper: string, kind: KeyKind, digest: Uint8Array, idempotencyKey: string): string {
  const mac = createHmac("sha512", pepper).update("successor\0").update(digest).update(idempotencyKey).digest("hex");
  // 512 bits for 256: no letter is likelier than another by more than one part in 2^256.
  let rest = BigInt(`0x${mac}`);
  let secret = starts[kind];
  for (let i = 0; i < secretLetters; i++) {
    secret += letters.charAt(Number(rest % BigInt(letters.length)));
    rest /= BigInt(letters.length);
  }
  return secret;
}

/**
 * The start of a secret that may be shown to tell keys apart: the kind and six letters of ours, which leaves 220 bits
 * unseen; of a secret that was brought along never more than a quarter.
 */
export function visiblePrefix(secret: string, kind: KeyKind): string {
  const start = starts[kind];
  const ours = secret.startsWith(start) && secret.length === start.length + secretLetters;
  return secret.slice(0, ours ? start.length + visibleLetters : Math.floor(secret.length / 4));
}

/** SHA-256 of a secret: what travels from the edge to billing. */
export function secretDigest(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

/** What is stored of a secret: HMAC-SHA256 of its digest under the pepper. Without the pepper a stolen table is of no use. */
export function storedHash(pepper: string, digest: Uint8Array): Buffer {
  return createHmac("sha256", pepper).update(digest).digest();
}

/** Compares two hashes in a time that does not depend on where they differ. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
