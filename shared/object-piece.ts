/** Bytes of a piece of an object: one is written in pieces of this size, the last of which may be shorter. */
export const pieceBytes = 1024 * 1024;
