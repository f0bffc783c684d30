/** A subscription of a client: `client.chat.stream`, `client.requests.tail` ... */
export interface Subscribable {
  subscribe: (input: never, callbacks: never) => { unsubscribe(): void };
}

/** What a subscription takes. */
export type InputOf<S extends Subscribable> = S extends { subscribe: (input: infer Input, callbacks: never) => unknown }
  ? Input
  : never;

/**
 * What a subscription gives, without the ID that each of its events has. Newer versions of tRPC's client say it in what `subscribe`
 * gives where it gets no callbacks, older ones in the callbacks alone.
 */
export type EventOf<S extends Subscribable> = S extends {
  subscribe: (input: never, callbacks: infer Accepted) => infer Given;
}
  ? DataOf<Given extends AsyncIterable<infer Yielded> ? Yielded : GivenTo<Accepted>>
  : never;

type GivenTo<Accepted> = Accepted extends { onData?: infer OnData } ? FirstOf<NonNullable<OnData>> : never;
type FirstOf<F> = F extends (given: infer Given) => unknown ? Given : never;
type DataOf<Given> = Given extends { id: string; data: infer Data } ? Data : Given;

/** The callbacks of a subscription, whatever it gives. */
interface Callbacks {
  signal?: AbortSignal;
  onData(given: unknown): void;
  onError(error: unknown): void;
  onComplete(): void;
}

/**
 * A subscription as something to loop over. Leaving the loop, and aborting the signal, end it: of a stream, the upstream's work too.
 * It throws what the subscription fails with, and the signal's reason once that has aborted.
 */
export async function* iterate<S extends Subscribable>(
  subscription: S,
  input: InputOf<S>,
  { signal }: { signal?: AbortSignal } = {},
): AsyncGenerator<EventOf<S>, void, void> {
  type Event = EventOf<S>;
  const subscribe = subscription.subscribe as (input: unknown, callbacks: Callbacks) => { unsubscribe(): void };
  signal?.throwIfAborted();
  let waiting: Event[] = [];
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  let wake = (): void => {};
  const subscribed = subscribe(input, {
    onData(given) {
      waiting.push(dataOf(given) as Event);
      wake();
    },
    onError(error) {
      failure = { error };
      wake();
    },
    onComplete() {
      ended = true;
      wake();
    },
  });
  const onAbort = (): void => {
    failure = { error: signal?.reason };
    wake();
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    for (;;) {
      const given = waiting;
      waiting = [];
      for (const data of given) {
        signal?.throwIfAborted();
        yield data;
      }
      if (waiting.length > 0) continue;
      if (failure !== undefined) throw failure.error;
      if (ended) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    subscribed.unsubscribe();
  }
}

function dataOf(given: unknown): unknown {
  const isTracked = typeof given === "object" && given !== null && "id" in given && "data" in given;
  return isTracked ? Reflect.get(given, "data") : given;
}
