import { ThroughlineError } from "../errors/error.ts";
import { createCallTable } from "./call-table.ts";
import { createDeadlines } from "./deadlines.ts";
import type { AnyHandler } from "./define.ts";
import {
  callOp,
  type LooseMessage,
  type ResultKind,
  type ServerCodec,
  type ServerLink,
  type ServerLinkEvents,
} from "./link.ts";
import { createOutbox, shareBytes } from "./outbox.ts";
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

/** What a handler answers with. */
type AnswerKind = Exclude<ResultKind, "want">;

/** An answered call whose caller owes an acknowledgement. */
interface Owed {
  readonly callId: number;
  /** Hears where the lane ends without it. */
  readonly listener: () => void;
  nextInTable: Owed | undefined;
}

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
    /** Answered calls whose acknowledgement is to come. */
    const owed = createCallTable<Owed>();
    let outbox = createOutbox<ServerCall>();
    let flushScheduled = false;
    let ended = false;
    let gone = false;
    /** True: something was left when the lane had taken what it could. */
    let backedUp = false;
    links.add(link);

    function flush(): void {
      flushScheduled = false;
      if (gone) return;
      const relieved: ServerCall[] = [];
      while (outbox.size > 0 && !link.congested) {
        const results = outbox.take();
        link.send(results);
        for (const { sender } of results) {
          if (sender.pausedByLane && sender.waitingBytes <= shareBytes / 2) relieved.push(sender);
        }
      }
      backedUp = outbox.size > 0;
      // Only now: whoever goes on may write at once.
      for (const call of relieved) call.setPausedByLane(false);
      if (ended && calls.size === 0 && outbox.size === 0) {
        gone = true;
        link.finish();
        leave(link);
        tellUnacknowledged();
      }
    }

    function tellUnacknowledged(): void {
      for (const { callId, listener } of owed.values()) {
        owed.delete(callId);
        listener();
      }
    }

    function schedule(): void {
      if (flushScheduled) return;
      flushScheduled = true;
      setImmediate(flush);
    }

    const lane: ServerCallLane = {
      deadlines,
      send(call, kind, value) {
        if (gone) return;
        add(call, kind, value);
        if (backedUp && call.waitingBytes > shareBytes) call.setPausedByLane(true);
        schedule();
      },
      want(call, offset, bytes) {
        if (gone) return;
        outbox.add({ sender: call, callId: call.callId, kind: "want", value: codec.want(offset, bytes), bytes: 0 });
        schedule();
      },
      closeCall(callId) {
        calls.delete(callId);
        if (ended) schedule();
      },
      owe(callId, listener) {
        if (gone) listener();
        else owed.add({ callId, listener, nextInTable: undefined });
      },
      report,
    };

    function add(sender: ServerCall, kind: AnswerKind, value: unknown): void {
      const { callId } = sender;
      if (kind === "error") {
        outbox.add({ sender, callId, kind, value: ThroughlineError.from(value), bytes: 0 });
        return;
      }
      let message: LooseMessage;
      try {
        message = kind === "ok" ? codec.ok(value) : codec.frame(value);
      } catch (thrown) {
        const error = ThroughlineError.from(thrown);
        unsent(callId, error);
        outbox.add({ sender, callId, kind: "error", value: error, bytes: 0 });
        return;
      }
      outbox.add({ sender, callId, kind, value: message, bytes: codec.bytes(kind, message) });
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
        } else if (op === callOp.acknowledge) {
          if (known === undefined) owed.delete(callId);
          else known.acknowledged = true;
        } else if (known === undefined) {
          // Answered meanwhile.
        } else if (op === callOp.cancel) {
          known.cancel();
          if (handler.dropsCancelled) known.drop();
        } else if (op === callOp.data) takePiece(known, payload);
        else known.setPaused(op === callOp.pause);
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
        outbox = createOutbox();
        tellUnacknowledged();
      },
    };

    function takePiece(call: ServerCall, payload: P): void {
      if (call.body === undefined) return;
      let piece: ReturnType<typeof codec.pieceOf>;
      try {
        piece = codec.pieceOf(codec.decodeItem(payload));
      } catch (thrown) {
        call.body.stop(ThroughlineError.from(thrown));
        return;
      }
      call.body.piece(piece.offset, piece.bytes);
    }

    function open(callId: number, requestId: bigint, traceparent: string, timeoutMs: number, payload: P): void {
      let item: unknown;
      let fault: unknown;
      try {
        item = codec.decodeItem(payload);
      } catch (thrown) {
        fault = thrown;
      }
      const bodyLength = fault === undefined ? codec.bodyLength(item) : 0;
      const call = new ServerCall(lane, callId, item, requestId, traceparent, timeoutMs, bodyLength);
      calls.add(call);
      if (fault === undefined) handler.accept(call);
      else call.answer("error", fault);
    }
  }

  return {
    accept,
    drain: () => {
      for (const link of links) link.announceDrain();
      handler.leave?.();
    },
    destroy: () => {
      for (const link of links) link.destroy();
    },
    empty: () => (links.size === 0 ? Promise.resolve() : new Promise((resolve) => emptied.push(resolve))),
  };
}
