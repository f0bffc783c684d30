import { createHash } from "node:crypto";
import { pieceBytes } from "../../../shared/object-piece.ts";
import type { ObjectStore, OwnedObject } from "./store.ts";

/** Writes an object whose length nobody knows before its end; a piece of it is in memory. */
export interface ObjectWriter {
  /** Resolves when the store has taken what is more than a piece. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes it whole and gives its size. */
  finish(lifeMs: number): Promise<number>;
}

/** Begins an object, or begins it anew. */
export async function openWriter(
  store: ObjectStore,
  object: OwnedObject & { readonly contentType: string },
): Promise<ObjectWriter> {
  await store.begin(object);
  const hash = createHash("sha256");
  const kept = Buffer.allocUnsafe(pieceBytes);
  let held = 0;
  let piece = 0;
  return {
    async write(bytes) {
      hash.update(bytes);
      for (let at = 0; at < bytes.length; ) {
        const taken = Math.min(pieceBytes - held, bytes.length - at);
        kept.set(bytes.subarray(at, at + taken), held);
        at += taken;
        held += taken;
        if (held < pieceBytes) continue;
        await store.write(object, piece, kept);
        piece += 1;
        held = 0;
      }
    },
    async finish(lifeMs) {
      if (held > 0) await store.write(object, piece, kept.subarray(0, held));
      const bytes = piece * pieceBytes + held;
      await store.finish(object, { bytes, sha256: hash.digest(), lifeMs });
      return bytes;
    },
  };
}
