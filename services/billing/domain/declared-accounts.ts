import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { keyKinds, minSecretLength, secretDigest, visiblePrefix } from "./secret.ts";

const name = z.string().trim().min(1).max(200);
/** What can travel in a header. */
const secret = z
  .string()
  .min(minSecretLength)
  .max(512)
  .regex(/^[\x21-\x7e]+$/, "must consist of visible ASCII characters");
const digest = z.string().regex(/^[\da-f]{64}$/i, "must be a SHA-256 in hex");
const usd = z.union([
  z.number().min(0).max(1e9),
  z.string().regex(/^\d{1,9}(\.\d{1,9})?$/, "must be an amount in USD"),
]);

const key = z
  .strictObject({
    name,
    kind: z.enum(["api", "server", "cli"]).default("api"),
    scopes: z.array(z.string()).min(1).optional(),
    secrets: z.array(secret).max(10).default([]),
    secret_sha256: z.array(digest).max(10).default([]),
    revoked: z.boolean().default(false),
  })
  .refine(({ secrets, secret_sha256, revoked }) => revoked || secrets.length + secret_sha256.length > 0, {
    message: "must have secrets or secret_sha256",
  });

const schema = z.strictObject({
  accounts: z.array(
    z.strictObject({
      name,
      group: name.default("default"),
      operator: z.boolean().default(false),
      credit_usd: usd.default("0"),
      keys: z.array(key).max(1_000).default([]),
    }),
  ),
});

/** A secret of a key as it is declared: its digest, and what may be shown of it. */
export interface DeclaredSecret {
  readonly digest: Buffer;
  readonly prefix: string;
}

/** A key that shall be. */
export interface DeclaredKey {
  readonly name: string;
  readonly kind: "api" | "server" | "cli";
  readonly scopes: readonly string[];
  /** All that work, and no other does. */
  readonly secrets: readonly DeclaredSecret[];
  readonly revoked: boolean;
}

/** An account that shall be. */
export interface DeclaredAccount {
  readonly name: string;
  readonly group: string;
  readonly operator: boolean;
  /** Credit that it starts with, entered once. */
  readonly creditNanoUsd: bigint;
  readonly keys: readonly DeclaredKey[];
}

/** The file says something that cannot be. The message names the place and never a value: values are secrets. */
export class DeclarationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DeclarationError";
  }
}

/** Reads a file of accounts and keys. Throws DeclarationError. */
export function readDeclaredAccounts(text: string): DeclaredAccount[] {
  const read = schema.safeParse(parsed(text));
  if (!read.success) {
    const [issue] = read.error.issues;
    const place = issue?.path.map(String).join(".") || "the file";
    const why =
      issue?.code === "unrecognized_keys" ? `has fields that are not known: ${issue.keys.join(", ")}` : issue?.message;
    throw new DeclarationError(`${place}: ${why}`);
  }
  const { accounts } = read.data;
  once(accounts, (account) => account.name, "accounts");
  const seen = new Set<string>();
  return accounts.map((account, index) => {
    once(account.keys, (one) => one.name, `accounts.${index}.keys`);
    const keys = account.keys.map((one, at) => {
      const secrets = [
        ...one.secrets.map((given) => ({ digest: secretDigest(given), prefix: visiblePrefix(given, one.kind) })),
        ...one.secret_sha256.map((hex) => ({ digest: Buffer.from(hex, "hex"), prefix: `sha256:${hex.slice(0, 6)}` })),
      ];
      for (const { digest: one } of secrets) {
        const hex = one.toString("hex");
        if (seen.has(hex))
          throw new DeclarationError(`accounts.${index}.keys.${at}: has a secret that stands in the file twice`);
        seen.add(hex);
      }
      const scopes = one.scopes ?? (one.kind === "cli" ? ["admin.read", "admin.write"] : ["*"]);
      return { name: one.name, kind: one.kind, scopes, secrets, revoked: one.revoked };
    });
    const { name: called, group, operator } = account;
    return { name: called, group, operator, creditNanoUsd: nanoUsd(account.credit_usd), keys };
  });
}

/** Numbers of a kind, as the contract has them. */
export function kindNumber(kind: DeclaredKey["kind"]): number {
  return keyKinds[kind];
}

function parsed(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    // Its message quotes the line, which holds secrets.
    throw new DeclarationError(`is not YAML (line ${error.linePos?.[0].line ?? 1}: ${error.code})`);
  }
}

function once<T>(list: readonly T[], nameOf: (one: T) => string, place: string): void {
  const names = list.map(nameOf);
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice !== undefined) throw new DeclarationError(`${place}: has ${JSON.stringify(twice)} twice`);
}

function nanoUsd(amount: number | string): bigint {
  const text = typeof amount === "string" ? amount : amount.toFixed(9);
  const [whole = "0", part = ""] = text.split(".");
  return BigInt(whole) * 1_000_000_000n + BigInt(part.padEnd(9, "0"));
}
