/**
 * Whether anything of an answer can be read from a list of its pieces: one of them is an object that has a field that
 * pieces have. An upstream that sends anything else in their place has not answered.
 */
export function isReadable(pieces: readonly unknown[], fields: readonly string[]): boolean {
  return pieces.some(
    (piece) => typeof piece === "object" && piece !== null && fields.some((field) => Object.hasOwn(piece, field)),
  );
}
