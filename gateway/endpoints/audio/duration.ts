import { Readable } from "node:stream";
import type { FilePart, UploadSource } from "../../domain/form.ts";

/** Slowest audio that is believed: 8 kbit/s, as of Opus for speech. A file's header may claim more; no file holds more. */
const leastBytesPerSecond = 1_000;
/** What a second of audio takes where a file does not tell its length: speech at 32 kbit/s. */
const usualBytesPerSecond = 4_000;
const pieceBytes = 64 * 1024;
/** Longest time that a file is read for its length. */
const timeoutMs = 5_000;

/** Milliseconds that no audio of a size is longer than. */
export function longestMs(bytes: number): number {
  return Math.ceil((bytes / leastBytesPerSecond) * 1_000);
}

/** How long the audio of a file is. */
export interface AudioLength {
  readonly ms: number;
  /** True: the file tells it. False: it is judged by the size of the file. */
  readonly told: boolean;
}

/**
 * Reads how long the audio of a file is, from its head or its frames. What a file claims is bounded by its size; where it cannot
 * be read, its size is all there is to go by.
 */
export async function audioLength(file: FilePart, source: UploadSource): Promise<AudioLength> {
  // 80 files that only uploads of audio need.
  const { parseStream } = await import("music-metadata");
  const stream = Readable.from(pieces(file, source), { objectMode: false });
  const timer = setTimeout(() => stream.destroy(new Error("too long to read")), timeoutMs);
  let seconds: number | undefined;
  try {
    const info = { size: file.length, mimeType: file.contentType, path: file.filename };
    const { format } = await parseStream(stream, info, { duration: true, skipCovers: true, skipPostHeaders: true });
    seconds = format.duration;
  } catch {
    // Not a format that is known, or broken: the vendor decides what it makes of it.
  } finally {
    clearTimeout(timer);
    stream.destroy();
  }
  if (seconds === undefined || !Number.isFinite(seconds) || seconds <= 0) {
    return { ms: Math.ceil((file.length / usualBytesPerSecond) * 1_000), told: false };
  }
  return { ms: Math.min(Math.ceil(seconds * 1_000), longestMs(file.length)), told: true };
}

async function* pieces({ offset, length }: FilePart, source: UploadSource): AsyncGenerator<Buffer> {
  for (let at = 0; at < length; ) {
    const bytes = await source.read(offset + at, Math.min(pieceBytes, length - at));
    if (bytes.length === 0) return;
    at += bytes.length;
    yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }
}
