/** Gathers what comes one by one and does it together: while one run is under way, what comes forms the next. */
export interface Gathering<I, O> {
  /** Resolves with what the run says of this item, or rejects with what the run threw. */
  add(item: I): Promise<O>;
}

interface Waiting<I, O> {
  readonly item: I;
  readonly answer: PromiseWithResolvers<O>;
}

/** @param run gives an answer for each item, in their order. */
export function gather<I, O>(most: number, run: (items: readonly I[]) => Promise<readonly O[]>): Gathering<I, O> {
  let waiting: Waiting<I, O>[] = [];
  let running = false;

  async function go(): Promise<void> {
    while (waiting.length > 0) {
      const taken = waiting.slice(0, most);
      waiting = waiting.slice(most);
      try {
        const answers = await run(taken.map(({ item }) => item));
        for (const [i, { answer }] of taken.entries()) answer.resolve(answers[i] as O);
      } catch (error) {
        for (const { answer } of taken) answer.reject(error);
      }
    }
    running = false;
  }

  return {
    add(item) {
      const answer = Promise.withResolvers<O>();
      waiting.push({ item, answer });
      if (!running) {
        running = true;
        // Items of the same turn of the loop travel together.
        setImmediate(() => void go());
      }
      return answer.promise;
    },
  };
}
