import type { ObjectRow } from "../db/objects.ts";

/** Keeps the bytes of objects in one place. Each call may come again after a failure: it then does the same. */
export interface ObjectBackend {
  /** Keeps a piece. Pieces come in their order; the last one may come again with more bytes. */
  write(object: ObjectRow, piece: number, bytes: Uint8Array): Promise<void>;
  /** All pieces are written. */
  finish(object: ObjectRow): Promise<void>;
  /** Bytes from `offset` on: at least one where there is one, at most `maxBytes`. */
  read(object: ObjectRow, offset: number, maxBytes: number): Promise<Uint8Array>;
  /** Lets go of what it keeps of an object; of one that it does not have, nothing. */
  remove(object: ObjectRow): Promise<void>;
}
