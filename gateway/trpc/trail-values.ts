import { scrub } from "../../shared/scrub.ts";

/** Fields whose values may be secrets, whatever they look like. */
const hidden: ReadonlySet<string> = new Set([
  ...["new_credential", "headers", "secret", "credential", "password"],
  // This together with an old secret would be enough to get the new secret.
  "idempotency_key",
]);
/** Fields that name what a change is about, the first that is there. */
const targets = ["key_id", "webhook_id", "delivery_id", "account_id", "name", "id"] as const;
const maxBytes = 64 * 1024;
const maxTargetLength = 200;

/** What was asked for, as JSON without secrets and of a bounded length. */
export function valuesOf(input: unknown): string {
  const text = scrub(
    JSON.stringify(input ?? null, (name, value: unknown) => (name !== "" && hidden.has(name) ? "[hidden]" : value)),
  );
  const bytes = Buffer.byteLength(text);
  return bytes <= maxBytes ? text : JSON.stringify({ omitted_bytes: bytes });
}

/** What an input, or an answer, is about: an ID or a name; empty: it does not say. */
export function targetOf(given: unknown): string {
  if (typeof given !== "object" || given === null) return "";
  for (const name of targets) {
    const value: unknown = Reflect.get(given, name);
    if (typeof value === "string" && value !== "") return kept(scrub(value));
  }
  for (const inner of ["channel", "entry"]) {
    const found: string = targetOf(Reflect.get(given, inner));
    if (found !== "") return found;
  }
  return "";
}

/** A text as PostgreSQL keeps it. It is not checked yet: that comes after the trail, which must have room for every call. */
function kept(text: string): string {
  return text.slice(0, maxTargetLength).replaceAll("\0", "\ufffd").toWellFormed();
}
