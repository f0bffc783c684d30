import type { OutgoingResult } from "./link.ts";

/** A call as the outbox of its lane sees it; the fields are the outbox's. */
export interface Sender {
  /** Bytes of its results that wait. */
  waitingBytes: number;
  /** Its results that wait their turn. */
  inTurn: number;
}

/** A result that waits to be sent. */
export interface WaitingResult<S extends Sender> extends OutgoingResult {
  readonly sender: S;
}

/** The results of a lane that wait to be sent. */
export interface Outbox<S extends Sender> {
  add(result: WaitingResult<S>): void;
  /** Takes out what is to be sent next: all that does not wait its turn, and as much of the rest as makes up a batch. */
  take(): WaitingResult<S>[];
  readonly size: number;
}

/** What a call may have waiting and still go before others, in bytes. */
export const shareBytes = 16 * 1024;

/** What is taken at once of the results that wait their turn, in bytes. */
const turnBytes = 256 * 1024;

/**
 * Creates one. Results of calls that have little waiting go first; those of others wait their turn, in the order in which
 * they came. A call's own results keep their order. In one queue a stream of 600 bytes a time waited behind megabytes of
 * streams that nobody read.
 */
export function createOutbox<S extends Sender>(): Outbox<S> {
  let first: WaitingResult<S>[] = [];
  const inTurn: WaitingResult<S>[] = [];

  return {
    add(result) {
      const { sender } = result;
      sender.waitingBytes += result.bytes;
      if (sender.inTurn === 0 && sender.waitingBytes <= shareBytes) {
        first.push(result);
        return;
      }
      sender.inTurn += 1;
      inTurn.push(result);
    },

    take() {
      const taken = first;
      first = [];
      for (const { sender, bytes } of taken) sender.waitingBytes -= bytes;
      let count = 0;
      for (let bytes = 0; count < inTurn.length && bytes < turnBytes; count += 1) {
        const result = inTurn[count] as WaitingResult<S>;
        result.sender.inTurn -= 1;
        result.sender.waitingBytes -= result.bytes;
        bytes += result.bytes;
      }
      return count === 0 ? taken : taken.concat(inTurn.splice(0, count));
    },

    get size() {
      return first.length + inTurn.length;
    },
  };
}
