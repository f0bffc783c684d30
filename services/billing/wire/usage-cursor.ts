import type { NameRank } from "../domain/usage-page.ts";
import { invalid } from "./invalid.ts";

/** Writes where a page of names ends. */
export function toUsageCursor({ charged, name, other }: NameRank): string {
  return Buffer.from(`${charged}.${other ? "o" : "n"}.${name}`).toString("base64url");
}

const form = /^(-?\d{1,19})\.([on])\.([^\0]*)$/s;

/** Where a page of names begins; undefined: with the first. Throws invalid_value for a cursor that is not ours. */
export function fromUsageCursor(cursor: string): NameRank | undefined {
  if (cursor === "") return undefined;
  const [, charged, of, name] = form.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (charged === undefined || name === undefined || BigInt.asIntN(64, BigInt(charged)) !== BigInt(charged)) {
    throw invalid("cursor", "must be a next_cursor of the same sums");
  }
  return { charged: BigInt(charged), name, other: of === "o" };
}
