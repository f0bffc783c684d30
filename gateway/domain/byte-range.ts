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
  const asked = askedRange(header);
  if (asked === undefined) return "whole";
  const { from, to } = asked;
  if (from === "") {
    const suffix = Math.min(Number(to), length);
    return suffix === 0 ? "unsatisfiable" : { first: length - suffix, last: length - 1 };
  }
  const first = Number(from);
  const last = to === "" ? length - 1 : Math.min(Number(to), length - 1);
  return first >= length ? "unsatisfiable" : { first, last };
}

/** The one range that a Range header asks for, of something whose length is not known here; undefined: as "whole" above. */
export function heededRange(header: string | undefined): string | undefined {
  return askedRange(header) === undefined ? undefined : header?.trim();
}

/** The bounds as they are written, at least one of them not empty. */
function askedRange(header: string | undefined): { readonly from: string; readonly to: string } | undefined {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "") ?? [];
  if (from === undefined || to === undefined || (from === "" && to === "")) return undefined;
  return from !== "" && to !== "" && Number(to) < Number(from) ? undefined : { from, to };
}
