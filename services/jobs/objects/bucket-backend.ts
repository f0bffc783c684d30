import { pieceBytes } from "../../../shared/object-piece.ts";
import { dropPieces, keepPart, noteUpload, partTags, readPieces, writePiece } from "../db/object-pieces.ts";
import type { ObjectRow } from "../db/objects.ts";
import type { JobsDatabase } from "../db/open.ts";
import type { ObjectBackend } from "./backend.ts";
import type { Bucket } from "./bucket.ts";

/** Pieces of a part: stores take parts of 5 MiB and more, and some want them all of one size. */
const partPieces = 8;

/**
 * Keeps objects in a bucket. Pieces wait in the database until they are a part: each may come to another process, and a
 * process that dies loses none. A small object is put as a whole.
 */
export function createBucketBackend(db: JobsDatabase, bucket: Bucket): ObjectBackend {
  const keyOf = ({ object_id: id }: ObjectRow): string => id.toString();

  async function uploadOf(object: ObjectRow): Promise<string> {
    if (object.upload_id !== "") return object.upload_id;
    const begun = await bucket.begin(keyOf(object));
    const kept = await noteUpload(db, object.object_id, begun);
    // Another process was quicker.
    if (kept !== begun) await bucket.abort(keyOf(object), begun);
    return kept;
  }

  async function sendPart(object: ObjectRow, number: number, uploadId: string, wanted: number): Promise<void> {
    const first = (number - 1) * partPieces;
    const pieces = await readPieces(db, object.object_id, first, first + partPieces - 1);
    const bytes = Buffer.concat(pieces);
    // Fewer: the part was sent, and a piece of it has come again.
    if (bytes.length === wanted) {
      const tag = await bucket.part(keyOf(object), uploadId, number, bytes);
      await keepPart(db, object.object_id, number, tag);
    }
    await dropPieces(db, object.object_id, first, first + partPieces - 1);
  }

  return {
    async write(object, piece, bytes) {
      await writePiece(db, object.object_id, piece, bytes);
      const isLastOfPart = piece % partPieces === partPieces - 1 && bytes.length === pieceBytes;
      if (!isLastOfPart) return;
      const number = Math.floor(piece / partPieces) + 1;
      await sendPart(object, number, await uploadOf(object), partPieces * pieceBytes);
    },
    async finish(object) {
      const total = Number(object.bytes);
      if (object.upload_id === "") {
        const pieces = await readPieces(db, object.object_id, 0, partPieces - 1);
        const bytes = Buffer.concat(pieces);
        if (bytes.length !== total) return assertThere(object, total);
        await bucket.put(keyOf(object), bytes);
      } else {
        const partBytes = partPieces * pieceBytes;
        const rest = total % partBytes;
        const tags = await partTags(db, object.object_id);
        if (rest > 0 && tags.length < Math.ceil(total / partBytes)) {
          await sendPart(object, Math.ceil(total / partBytes), object.upload_id, rest);
        }
        const all = await partTags(db, object.object_id);
        const isWhole = all.length === Math.ceil(total / partBytes);
        // No such upload: it was completed, and the answer was lost.
        if (!isWhole || !(await bucket.complete(keyOf(object), object.upload_id, all))) {
          return assertThere(object, total);
        }
      }
      await dropPieces(db, object.object_id, 0, Math.ceil(total / pieceBytes));
    },
    async read(object, offset, maxBytes) {
      const bytes = await bucket.get(keyOf(object), offset, maxBytes);
      if (bytes === undefined) throw new Error(`the object store has lost object ${object.object_id}`);
      return bytes;
    },
    async remove(object) {
      if (object.upload_id !== "") await bucket.abort(keyOf(object), object.upload_id);
      await bucket.remove(keyOf(object));
    },
  };

  async function assertThere(object: ObjectRow, total: number): Promise<void> {
    const size = await bucket.size(keyOf(object));
    if (size !== total) throw new Error(`object ${object.object_id} is not whole: ${size ?? "nothing"} of ${total}`);
  }
}
