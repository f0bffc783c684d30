import { createHash } from "node:crypto";
import { once } from "node:events";
import { ThroughlineError } from "../errors/error.ts";
import {
  type Counted,
  type CountFrame,
  type CountItem,
  type Echoed,
  type EchoItem,
  EchoService,
} from "../gen/throughline/testing/v1/echo_pb.ts";
import {
  type BatchOptions,
  batchHandler,
  defineService,
  type ServiceDefinition,
  streamHandler,
  unaryHandler,
} from "./define.ts";
import type { BatchAnswer, CallBody, FrameSink, Init, LaneCall, StreamCall } from "./types.ts";

/** What the echo service has seen, for tests to look at. */
export interface EchoSeen {
  /** Texts of the Echo items that a handler was given, in order. */
  readonly texts: string[];
  /** Sizes of the batches. */
  readonly batches: number[];
  /** Texts of the calls whose signal aborted, in order, and with which code. */
  readonly aborted: { text: string; code: string }[];
  /** Texts of the "owed..." calls whose acknowledgement never came. */
  readonly unacknowledged: string[];
}

/** An echo service whose calls can be held. */
export interface EchoFixture {
  readonly definition: ServiceDefinition<typeof EchoService>;
  readonly seen: EchoSeen;
  /** Lets the calls go that came with the text "hold". */
  release(): void;
  /** Resolves when the condition holds; looked at whenever something was seen. */
  until(condition: (seen: EchoSeen) => boolean): Promise<void>;
}

/**
 * What the text of an item asks for: "fail:<code>" an error; "throw" a bug; "hold..." to wait for `release`; "later..." to
 * be answered at `release`, and nobody else with it; "later-bug" to fail then; "watch" to wait for the signal; "owed..." to
 * note a missing acknowledgement; "body..." what `readBody` says; "grow:<n>" an answer of n bytes; "wrong-count" one answer too many. Anything else comes back.
 */
export function createEcho(options: BatchOptions<EchoItem> = {}): EchoFixture {
  const seen: EchoSeen = { texts: [], batches: [], aborted: [], unacknowledged: [] };
  const events = new EventTarget();
  let released = Promise.withResolvers<void>();

  function changed(): void {
    events.dispatchEvent(new Event("seen"));
  }

  async function aborted(call: LaneCall<{ text: string }>): Promise<void> {
    if (!call.signal.aborted) await once(call.signal, "abort");
    seen.aborted.push({ text: call.item.text, code: ThroughlineError.from(call.signal.reason).code });
    changed();
  }

  async function answerLater(call: LaneCall<EchoItem>, batchSize: number): Promise<Init<Echoed> | ThroughlineError> {
    await released.promise;
    if (call.item.text === "later-bug") throw new TypeError("a bug with a secret");
    return answer(call, batchSize);
  }

  async function echo(calls: readonly LaneCall<EchoItem>[]): Promise<readonly BatchAnswer<Echoed>[]> {
    seen.batches.push(calls.length);
    for (const { item } of calls) seen.texts.push(item.text);
    changed();
    for (const call of calls) if (call.item.text === "watch") await aborted(call);
    if (calls.some(({ item }) => item.text.startsWith("hold"))) await released.promise;
    if (calls.some(({ item }) => item.text === "throw")) throw new TypeError("a bug with a secret");
    const answers = calls.map((call): BatchAnswer<Echoed> => {
      return call.item.text.startsWith("later") ? answerLater(call, calls.length) : answer(call, calls.length);
    });
    if (calls.some(({ item }) => item.text === "wrong-count")) answers.push(new ThroughlineError("not_found", "extra"));
    return answers;
  }

  async function count(call: StreamCall<CountItem>, out: FrameSink<CountFrame>): Promise<Init<Counted>> {
    const { frames, frameBytes, text } = call.item;
    seen.texts.push(text);
    changed();
    if (text.startsWith("fail:")) throw failure(text);
    if (text.startsWith("owed")) {
      call.unlessAcknowledged(() => {
        seen.unacknowledged.push(text);
        changed();
      });
    }
    if (call.body !== undefined) {
      const bodySha256 = await readBody(call.body, text).catch(async (error: unknown) => {
        if (text === "body-watch") await aborted(call);
        throw error;
      });
      return { frames: 0, cancelled: call.signal.aborted, bodySha256 };
    }
    let pauses = 0;
    let wake = (): void => {};
    out.onPauseChange((paused) => {
      if (paused) pauses += 1;
      else wake();
    });
    let index = 0;
    for (; index < frames && !call.signal.aborted; index += 1) {
      while (out.paused) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      out.write({ index, data: new Uint8Array(frameBytes).fill(index) });
      // As a source does: one piece a turn of the loop.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (text === "fail-late") throw new ThroughlineError("upstream_error", "late");
    if (text === "watch" || text === "owed-watch") await aborted(call);
    if (text === "hold") await released.promise;
    if (text === "never") await new Promise(() => {});
    return { frames: index, cancelled: call.signal.aborted, pauses };
  }

  /**
   * Reads the body of a call and gives its digest. "body-again:<n>": n bytes, and then all of it anew. "body-stand": one piece,
   * the rest after `release`. "body-never": nothing.
   */
  async function readBody(body: CallBody, text: string): Promise<Uint8Array> {
    const hash = createHash("sha256");
    if (text === "body-never") {
      await released.promise;
      return new Uint8Array();
    }
    if (text.startsWith("body-again:")) {
      let left = Number(text.slice("body-again:".length));
      for await (const piece of body.from(0)) {
        left -= piece.length;
        if (left <= 0) break;
      }
    }
    let pieces = 0;
    for await (const piece of body.from(0)) {
      hash.update(piece);
      pieces += 1;
      if (text !== "body-stand" || pieces > 1) continue;
      seen.texts.push("stands");
      changed();
      await released.promise;
    }
    return hash.digest();
  }

  const definition = defineService(EchoService, {
    echo: batchHandler(echo, options),
    count: streamHandler(count),
    echoOnce: unaryHandler(async (request, context) => {
      seen.texts.push(request.text);
      changed();
      if (request.text.startsWith("fail:")) throw failure(request.text);
      if (request.text === "throw") throw new TypeError("a bug with a secret");
      if (request.text === "hold") await released.promise;
      if (request.text === "watch") await aborted({ ...context, item: request });
      return {
        text: request.text,
        data: request.data,
        requestId: context.requestId,
        traceparent: context.traceparent,
      };
    }),
  });

  return {
    definition,
    seen,
    release() {
      released.resolve();
      released = Promise.withResolvers();
    },
    async until(condition) {
      while (!condition(seen)) await once(events, "seen");
    },
  };
}

function answer(call: LaneCall<EchoItem>, batchSize: number): Init<Echoed> | ThroughlineError {
  const { text, data } = call.item;
  if (text.startsWith("fail:")) return failure(text);
  if (text.startsWith("grow:")) return { data: new Uint8Array(Number(text.slice(5))) };
  return { text, data, batchSize, requestId: call.requestId, traceparent: call.traceparent };
}

function failure(text: string): ThroughlineError {
  if (text === "fail:budget") {
    return new ThroughlineError("insufficient_quota", "The budget is spent.", {
      httpStatus: 429,
      param: "model",
      retryAfterMs: 1_500,
      upstreamRequestId: "up-1",
      headers: { "x-ratelimit-limit": "7" },
      cause: new Error("unsent"),
    });
  }
  return new ThroughlineError("not_found", "No such thing.");
}
