import { z } from "zod";
import { iso } from "../view/payer.ts";
import { text, time } from "./input.ts";

/** Where a page of a series over time begins. */
interface SeriesPlace {
  /** Unix milliseconds. */
  readonly from: bigint;
  /** The first step has only the groups behind this one; absent: all. */
  readonly after?: { readonly group: string; readonly other: boolean };
}

/** A time, and where the page before ended within its step the group that it ended with: ~n or ~o and the group's bytes. */
const form = /^([^~]{1,40})(?:~([no])([A-Za-z0-9_-]*))?$/;
const error = "must be the next_cursor of a page of this time";

/** `next_cursor` of a series over time. */
export const seriesCursor = text.max(4_000).transform((given, context): SeriesPlace => {
  const [, at = "", kind, group = ""] = form.exec(given) ?? [];
  const from = time.safeParse(at);
  const name = Buffer.from(group, "base64url").toString();
  // PostgreSQL takes no NUL, and no name has one.
  if (!from.success || name.includes("\0")) {
    context.addIssue({ code: "custom", message: error });
    return z.NEVER;
  }
  if (kind === undefined) return { from: from.data };
  return { from: from.data, after: { group: name, other: kind === "o" } };
});

/** What a page says of the next one; null: it is the last. */
export function toSeriesCursor({
  nextFromUnixMs,
  nextAfter,
}: {
  readonly nextFromUnixMs: bigint;
  readonly nextAfter?: { readonly group: string; readonly other: boolean } | undefined;
}): string | null {
  if (nextFromUnixMs === 0n) return null;
  const at = iso(nextFromUnixMs);
  if (nextAfter === undefined) return at;
  return `${at}~${nextAfter.other ? "o" : "n"}${Buffer.from(nextAfter.group).toString("base64url")}`;
}
