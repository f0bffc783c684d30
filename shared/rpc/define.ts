import type { DescMethod, DescService, Message, MessageShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../errors/error.ts";
import { type BesideBounds, createBatchRunner, type RestBounds } from "./batch-runner.ts";
import type { ServerCall } from "./server-call.ts";
import type {
  BatchAnswer,
  FrameOf,
  FrameSink,
  Init,
  ItemOf,
  LaneCall,
  OkOf,
  StreamCall,
  UnaryContext,
} from "./types.ts";

declare const typed: unique symbol;

/** A handler of a lane method. `typed` exists for the compiler only: it binds a handler to its method's messages. */
export interface LaneHandler<I extends Message, O extends Message, F extends Message = never> {
  readonly kind: "batch" | "stream";
  /** True: a call that is cancelled needs no answer. */
  readonly dropsCancelled: boolean;
  /** Takes a call that has arrived. */
  accept(call: ServerCall): void;
  /** What arrived together is all here. */
  arrived(): void;
  /** The server leaves: from now on nothing waits for others to come. */
  leave?(): void;
  readonly [typed]?: (item: I, frame: F) => O;
}

/** A handler of a unary method. */
export interface UnaryHandler<I extends Message, O extends Message> {
  readonly kind: "unary";
  run(request: unknown, context: UnaryContext): Promise<unknown>;
  readonly [typed]?: (request: I) => O;
}

/** The handler that a method wants. */
export type HandlerOf<M extends DescMethod> = M extends { methodKind: "unary" }
  ? UnaryHandler<MessageShape<M["input"]>, MessageShape<M["output"]>>
  : LaneHandler<ItemOf<M>, OkOf<M>, FrameOf<M>>;

/** One handler for every method of a service. */
export type HandlersOf<S extends DescService> = { readonly [K in keyof S["method"]]: HandlerOf<S["method"][K]> };

/** Any handler, its messages unknown. */
export type AnyHandler = Omit<LaneHandler<never, never>, typeof typed> | Omit<UnaryHandler<never, never>, typeof typed>;

/** A service and what serves it. */
export interface ServiceDefinition<S extends DescService = DescService> {
  readonly service: S;
  readonly handlers: Readonly<Record<string, AnyHandler>>;
}

/** Binds handlers to a service; the compiler asks for every method. */
export function defineService<S extends DescService>(service: S, handlers: HandlersOf<S>): ServiceDefinition<S> {
  return { service, handlers: handlers as Readonly<Record<string, AnyHandler>> };
}

/** A handler of a lane method that is given batches. */
export type BatchHandler<I extends Message, O extends Message> = LaneHandler<I, O> & {
  /** Runs what lingers now: somebody waits for its effect. */
  hurry(): void;
};

/** How a batch handler wants its calls. */
export interface BatchOptions<I extends Message = never> {
  /** Most calls given at once. Default 512. */
  readonly maxItems?: number | undefined;
  /** Most batches that run at once; what arrives meanwhile, on any lane, gathers for the next. Default 4. */
  readonly maxConcurrent?: number | undefined;
  /** When a batch runs beside another; until then calls wait for that one's end. Default: at once. */
  readonly besideAnother?: BesideBounds | undefined;
  /** When the next batch begins only some time after one has ended; it still runs beside it where enough have gathered. Default: never. */
  readonly rest?: RestBounds | undefined;
  /**
   * Milliseconds that a call waits for others, where nobody waits for its answer: fewer, larger batches. Default 0: what
   * one message brought runs at once.
   */
  readonly lingerMs?: number | undefined;
  /** Calls that wait for no more, since they make a good batch by themselves. Default: `maxItems`. */
  readonly enough?: number | undefined;
  /** Whether somebody waits for what an item asks for: then it runs at once, with all that lingers. Default: nobody does. */
  readonly isWaited?: ((item: I) => boolean) | undefined;
}

/**
 * A handler that is given what arrived together and answers each call, in the calls' order. Calls that were cancelled or
 * whose deadline has passed before their turn are not given. A throw fails every call of the batch.
 */
export function batchHandler<I extends Message, O extends Message>(
  run: (calls: readonly LaneCall<I>[]) => Promise<readonly NoInfer<BatchAnswer<O>>[]>,
  options: BatchOptions<I> = {},
): BatchHandler<I, O> {
  const { maxItems = 512, maxConcurrent = 4, besideAnother = { besideFewerThan: 0, enough: 1, afterMs: 0 } } = options;
  const { rest = { after: Number.POSITIVE_INFINITY, forMs: 0 } } = options;
  const { lingerMs = 0, enough = maxItems, isWaited = () => false } = options;
  const runner = createBatchRunner(run as (calls: readonly LaneCall<unknown>[]) => Promise<readonly unknown[]>, {
    ...{ maxItems, maxConcurrent, besideAnother, rest, lingerMs, enough },
    isWaited: isWaited as (item: unknown) => boolean,
  });
  const { accept, arrived, hurry, leave } = runner;
  return { kind: "batch", dropsCancelled: true, accept, arrived, hurry, leave };
}

/**
 * A handler that answers one call with frames and an end. What it returns is the outcome, also after a cancel or the
 * deadline (the caller waits 5 s for it); what it throws is the error.
 */
export function streamHandler<I extends Message, F extends Message, O extends Message>(
  run: (call: StreamCall<I>, out: FrameSink<F>) => Promise<NoInfer<Init<O>>>,
): LaneHandler<I, O, F> {
  async function runCall(call: ServerCall): Promise<void> {
    try {
      call.answer("ok", await run(call as unknown as StreamCall<I>, call as unknown as FrameSink<F>));
    } catch (thrown) {
      const error = ThroughlineError.from(thrown);
      call.lane.report(error);
      call.answer("error", error);
    }
  }
  return { kind: "stream", dropsCancelled: false, accept: (call) => void runCall(call), arrived: () => {} };
}

/** A handler that answers one request with one response. */
export function unaryHandler<I extends Message, O extends Message>(
  run: (request: I, context: UnaryContext) => Promise<NoInfer<Init<O>>>,
): UnaryHandler<I, O> {
  return { kind: "unary", run: run as (request: unknown, context: UnaryContext) => Promise<unknown> };
}
