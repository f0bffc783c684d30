import { ThroughlineError } from "../errors/error.ts";
import { createCallTable } from "./call-table.ts";
import { roughBytes } from "./codec.ts";
import { createDeadlines } from "./deadlines.ts";
import type { AnyHandler } from "./define.ts";
import {
  callOp,
  type OutgoingResult,
  type ResultKind,
  type ServerCodec,
  type ServerLink,
  type ServerLinkEvents,
} from "./link.ts";
import { ServerCall, type ServerCallLane } from "./server-call.ts";
import type { RpcLog } from "./types.ts";

/** A handler of a lane method. */
export type AnyLaneHandler = Extract<AnyHandler, { accept: unknown }>;

/** Serves the lanes of one method. */
export interface LaneServer<P> {
  /** Takes a lane that a client has opened. */
  accept(link: ServerLink): ServerLinkEvents<P>;
  /** Tells the clients of all lanes to open no more calls here. */
  drain(): void;
  /** Cuts all lanes. */
  destroy(): void;
  /** Resolves when there is no lane. */
  empty(): Promise<void>;
}

/** Results waiting for a lane that is backed up, in bytes, above which its streaming handlers are asked to pause. */
const congestedBytes = 256 * 1024;

/** Serves one method: correlation, cancel, pause, deadlines, batches of results per tick. */
export function createLaneServer<P>(
  path: string,
  handler: AnyLaneHandler,
  codec: ServerCodec<P>,
  log: RpcLog | undefined,
): LaneServer<P> {
  const links = new Set<ServerLink>();
  let emptied: (() => void)[] = [];
  const deadlines = createDeadlines();

  function leave(link: ServerLink): void {
    links.delete(link);
    if (links.size > 0) return;
    for (const resolve of emptied) resolve();
    emptied = [];
  }

  function report(error: ThroughlineError): void {
    if (error.code === "internal_error") log?.error({ err: error.cause ?? error, method: path }, "a handler failed");
  }

  function accept(link: ServerLink): ServerLinkEvents<P> {
    const calls = createCallTable<ServerCall>();
    let outbox: OutgoingResult[] = [];
    let outboxBytes = 0;
    let flushScheduled = false;
    let ended = false;
    let gone = false;
    let congested = false;
    links.add(link);

    function flush(): void {
      flushScheduled = false;
      if (gone) return;
      if (outbox.length > 0 && !link.congested) {
        const results = outbox;
        outbox = [];
        outboxBytes = 0;
        link.send(results);
      }
      setCongested(outboxBytes > congestedBytes);
      if (ended && calls.size === 0 && outbox.length === 0) {
        gone = true;
        link.finish();
        leave(link);
      }
    }

    function schedule(): void {
      if (flushScheduled) return;
      flushScheduled = true;
      setImmediate(flush);
    }

    function setCongested(now: boolean): void {
      if (now === congested) return;
      congested = now;
      for (const call of calls.values()) call.laneCongestionChanged();
    }

    const lane: ServerCallLane = {
      deadlines,
      get congested() {
        return congested;
      },
      send(callId, kind, value) {
        if (gone) return;
        const result = resultOf(callId, kind, value);
        outbox.push(result);
        // Counted only while the lane is backed up: otherwise it is all sent at the end of this tick.
        if (link.congested) outboxBytes += roughBytes(result.value);
        if (outboxBytes > congestedBytes) setCongested(true);
        schedule();
      },
      closeCall(callId) {
        calls.delete(callId);
        if (ended) schedule();
      },
      report,
    };

    function resultOf(callId: number, kind: ResultKind, value: unknown): OutgoingResult {
      if (kind === "error") return { callId, kind, value: ThroughlineError.from(value) };
      try {
        return { callId, kind, value: kind === "ok" ? codec.ok(value) : codec.frame(value) };
      } catch (thrown) {
        const error = ThroughlineError.from(thrown);
        unsent(callId, error);
        return { callId, kind: "error", value: error };
      }
    }

    /** A result that cannot be sent ends its call: the reader must not get an answer with a hole. */
    function unsent(callId: number, error: ThroughlineError): void {
      report(error);
      const call = calls.get(callId);
      call?.cancel();
      call?.drop();
    }

    return {
      item(callId, op, requestId, traceparent, timeoutMs, payload) {
        const known = calls.get(callId);
        if (op === callOp.open) {
          if (known !== undefined) return link.destroy();
          open(callId, requestId, traceparent, timeoutMs, payload);
        } else if (known === undefined) {
          // Answered meanwhile.
        } else if (op === callOp.cancel) {
          known.cancel();
          if (handler.dropsCancelled) known.drop();
        } else known.setPaused(op === callOp.pause);
      },
      batchEnd: () => handler.arrived(),
      unsent,
      writable: schedule,
      ended: () => {
        ended = true;
        schedule();
      },
      broken: () => {
        if (gone) return;
        gone = true;
        leave(link);
        for (const call of calls.values()) {
          calls.delete(call.callId);
          call.laneBroke();
        }
        outbox = [];
      },
    };

    function open(callId: number, requestId: bigint, traceparent: string, timeoutMs: number, payload: P): void {
      let item: unknown;
      try {
        item = codec.decodeItem(payload);
      } catch (thrown) {
        lane.send(callId, "error", ThroughlineError.from(thrown));
        return;
      }
      const call = new ServerCall(lane, callId, item, requestId, traceparent, timeoutMs);
      calls.add(call);
      handler.accept(call);
    }
  }

  return {
    accept,
    drain: () => {
      for (const link of links) link.announceDrain();
    },
    destroy: () => {
      for (const link of links) link.destroy();
    },
    empty: () => (links.size === 0 ? Promise.resolve() : new Promise((resolve) => emptied.push(resolve))),
  };
}
