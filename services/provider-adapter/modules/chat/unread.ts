/** Text of an answer that is kept for history, in characters; beyond it the record says that it was cut. */
export const maxKeptText = 256 * 1024;

/** Most characters that wait unread: memory of a stream stays small, and reading stays off the first byte. */
const usualLength = 4 * 1024;

/** Events that have gone on to the client and are read afterwards and together, for usage and history. */
export interface Unread {
  add(data: string): void;
  /** Reads what is there. */
  takeIn(): void;
}

/**
 * The way back of a stream that is passed through: what has gone on waits here until it is read.
 *
 * @param read takes the texts of all that waited, in their order.
 * @param maxLength characters that may wait.
 */
export function createUnread(read: (texts: readonly string[]) => void, maxLength = usualLength): Unread {
  let texts: string[] = [];
  let length = 0;

  function takeIn(): void {
    if (length === 0) return;
    const taken = texts;
    texts = [];
    length = 0;
    read(taken);
  }

  return {
    add(data) {
      texts.push(data);
      length += data.length;
      if (length > maxLength) takeIn();
    },
    takeIn,
  };
}
