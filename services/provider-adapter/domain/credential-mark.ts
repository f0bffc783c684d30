import { createHash } from "node:crypto";

/** Short for what goes into a job's row, long enough that two credentials of a channel never share one. */
const markLength = 16;

/** A mark of a credential from which nobody can tell it; empty for none. */
export function credentialMark(credential: string): string {
  if (credential === "") return "";
  return createHash("sha256").update(`job credential\n${credential}`).digest("hex").slice(0, markLength);
}
