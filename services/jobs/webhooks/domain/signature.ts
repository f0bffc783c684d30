import { createHmac, randomBytes } from "node:crypto";

const prefix = "whsec_";
const secretBytes = 32;

/** A new secret in the form of Standard Webhooks. */
export function createSecret(): string {
  return prefix + randomBytes(secretBytes).toString("base64");
}

/** What is signed. */
export interface Message {
  /** ID of the event. */
  readonly id: string;
  readonly unixSeconds: number;
  readonly body: string;
}

/**
 * The headers of Standard Webhooks. There is a signature for each secret: while a secret is being replaced the old one signs
 * as well, and receivers take a message of which one signature is right.
 */
export function signedHeaders({ id, unixSeconds, body }: Message, secrets: readonly string[]): Record<string, string> {
  const signed = `${id}.${unixSeconds}.${body}`;
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(prefix.length), "base64");
    return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
  });
  return {
    "webhook-id": id,
    "webhook-timestamp": String(unixSeconds),
    "webhook-signature": signatures.join(" "),
  };
}
