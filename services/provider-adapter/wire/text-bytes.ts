/** Bytes of one answer, of memory that no other answer has a part in. */
export interface TextBytes {
  /** The bytes of a text. */
  of(text: string): Buffer;
  /** Memory of so many bytes, to be written by who asks for it. */
  room(length: number): Buffer;
}

/** Memory taken at a time, in bytes: a dozen chunks of a usual stream. */
const blockBytes = 4 * 1024;
/** A text of more characters gets a block of its own size. */
const maxSharedLength = 512;
/** Bytes that a character of a JavaScript string takes in UTF-8 at most. */
const maxBytesOfCharacter = 3;

/**
 * Turns the texts of one answer into bytes. Node itself cuts small buffers out of 64 KiB that all share: a frame that
 * waits for a slow reader would hold all of it, and 300 such readers held 1.2 GB. Memory for each text alone costs more
 * to ask for than the text to write.
 */
export function createTextBytes(): TextBytes {
  let block = Buffer.alloc(0);
  let used = 0;

  function makeRoom(bytes: number): void {
    if (block.length - used >= bytes) return;
    block = Buffer.allocUnsafeSlow(blockBytes);
    used = 0;
  }

  return {
    of(text) {
      if (text.length > maxSharedLength) {
        const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
        bytes.write(text);
        return bytes;
      }
      makeRoom(text.length * maxBytesOfCharacter);
      const start = used;
      used += block.write(text, start);
      return block.subarray(start, used);
    },

    room(length) {
      if (length > maxSharedLength * maxBytesOfCharacter) return Buffer.allocUnsafeSlow(length);
      makeRoom(length);
      const start = used;
      used += length;
      return block.subarray(start, used);
    },
  };
}
