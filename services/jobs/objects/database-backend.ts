import { pieceBytes } from "../../../shared/object-piece.ts";
import { readPiece, writePiece } from "../db/object-pieces.ts";
import type { JobsDatabase } from "../db/open.ts";
import type { ObjectBackend } from "./backend.ts";

/** Keeps objects in the tables of jobs, a row for each piece. */
export function createDatabaseBackend(db: JobsDatabase): ObjectBackend {
  return {
    write: ({ object_id: id }, piece, bytes) => writePiece(db, id, piece, bytes),
    async finish() {},
    async read({ object_id: id }, offset, maxBytes) {
      const piece = Math.floor(offset / pieceBytes);
      return readPiece(db, id, piece, offset - piece * pieceBytes, maxBytes);
    },
    // The pieces go with the object's row.
    async remove() {},
  };
}
