/** A part of something that has a length. */
export interface ByteRange {
  /** First byte. */
  readonly first: number;
  /** Last byte, itself in the range. */
  readonly last: number;
}

/**
 * The one range that a Range header asks for. "whole": it asks for none, for several, or in words that are not understood, which
 * are then not heeded (RFC 9110). "unsatisfiable": it begins behind the end.
 */
export function byteRange(header: string | undefined, length: number): ByteRange | "whole" | "unsatisfiable" {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "") ?? [];
  if (from === undefined || to === undefined || (from === "" && to === "")) return "whole";
  if (from === "") {
    const suffix = Math.min(Number(to), length);
    return suffix === 0 ? "unsatisfiable" : { first: length - suffix, last: length - 1 };
  }
  const first = Number(from);
  const last = to === "" ? length - 1 : Math.min(Number(to), length - 1);
  if (to !== "" && Number(to) < first) return "whole";
  return first >= length ? "unsatisfiable" : { first, last };
}
