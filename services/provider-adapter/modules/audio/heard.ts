import { createHash } from "node:crypto";
import { audioDurationMs } from "../../wire/audio-duration.ts";

/** What was heard of an audio so far. */
export interface Heard {
  add(data: Uint8Array): void;
  bytes(): number;
  /** Undefined: it cannot be told. */
  durationMs(contentType: string): number | undefined;
  /** What history keeps in place of the bytes. May be asked once. */
  document(contentType: string): Buffer;
}

/** Most first bytes that are kept for the duration: those of a header, behind a short tag. */
const maxFirstBytes = 4_096;

/** Follows an audio as it passes: its length, its digest, its head. Its bytes are not kept. */
export function createHeard(): Heard {
  const hash = createHash("sha256");
  let bytes = 0;
  let first = Buffer.alloc(0);
  const durationMs = (contentType: string) => audioDurationMs(contentType, first, bytes);
  return {
    add(data) {
      if (first.length < maxFirstBytes) first = Buffer.concat([first, data.subarray(0, maxFirstBytes - first.length)]);
      hash.update(data);
      bytes += data.length;
    },
    bytes: () => bytes,
    durationMs,
    document(contentType) {
      const duration = durationMs(contentType);
      return Buffer.from(
        JSON.stringify({
          object: "audio",
          content_type: contentType,
          bytes,
          sha256: hash.digest("hex"),
          ...(duration === undefined ? {} : { duration_ms: duration }),
        }),
      );
    },
  };
}
