import type { LineName } from "../db/vendor-batches.ts";

const form = /^(\d{1,9})-(\d{1,19})$/;

/** What a line is called at its vendor: its number finds its row, its request's ID makes sure that it is this one. */
export function writeLineName({ line, requestId }: LineName): string {
  return `${line}-${requestId}`;
}

/** The line that a name means; undefined: the name is none of ours. */
export function readLineName(text: unknown): LineName | undefined {
  const [, line, requestId] = (typeof text === "string" && form.exec(text)) || [];
  return line === undefined || requestId === undefined
    ? undefined
    : { line: Number(line), requestId: BigInt(requestId) };
}
