import { createParser } from "eventsource-parser";
import type { ThroughlineError } from "../../shared/errors/error.ts";
import type { Answer } from "../story/ask.ts";
import { createEnded, type Ended, whenGone } from "./collected.ts";

/** Events that are waiting to be taken, in characters, above which the upstream is held back. */
const maxWaitingCharacters = 256 * 1024;
/** How OpenAI's streams say that nothing follows. */
const lastData = "[DONE]";

/** An answer of server-sent events that is taken event by event. */
export interface QueuedAnswer extends Answer {
  /** The data of the events, each once; ends with the answer. Throws what the answer failed with. */
  events(): AsyncGenerator<string>;
  /** The story was told: no event follows. @param error why it failed. */
  close(error?: ThroughlineError): void;
  ended(): Ended;
}

/** Creates one. `gone` aborts when the client leaves. */
export function createQueuedAnswer(gone: AbortSignal): QueuedAnswer {
  let waiting: string[] = [];
  const decoder = new TextDecoder();
  const ended = createEnded();
  let waitingCharacters = 0;
  let holdsBack = true;
  let closed = false;
  let failure: ThroughlineError | undefined;
  let drained: (() => void) | undefined;
  let arrived: (() => void) | undefined;
  const parser = createParser({
    onEvent({ data }) {
      if (data === lastData) return;
      waiting.push(data);
      waitingCharacters += data.length;
    },
  });
  const wake = (): void => {
    drained?.();
    arrived?.();
  };
  whenGone(gone, wake);

  return {
    begin: ended.begin,
    hasBegun: () => ended.now().head !== undefined,
    write(data) {
      parser.feed(decoder.decode(data, { stream: true }));
      arrived?.();
      if (waitingCharacters <= maxWaitingCharacters || !holdsBack || gone.aborted) return undefined;
      return new Promise((resolve) => {
        drained = resolve;
      });
    },
    letGo() {
      holdsBack = false;
      drained?.();
    },
    end() {},
    fail(error) {
      failure = error;
    },
    onGone: (listener) => whenGone(gone, listener),
    isGone: () => gone.aborted,
    settles: ended.settles,
    ended: ended.now,
    close(error) {
      closed = true;
      failure ??= error;
      wake();
    },
    async *events() {
      while (!gone.aborted) {
        if (waiting.length > 0) {
          const taken = waiting;
          waiting = [];
          for (const event of taken) {
            waitingCharacters -= event.length;
            if (waitingCharacters <= maxWaitingCharacters) drained?.();
            yield event;
          }
        } else if (closed) {
          if (failure !== undefined) throw failure;
          return;
        } else {
          await new Promise<void>((resolve) => {
            arrived = resolve;
          });
        }
      }
    },
  };
}
