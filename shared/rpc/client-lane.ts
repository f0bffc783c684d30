import { type CallTable, createCallTable } from "./call-table.ts";
import type { CallLane, ClientCall } from "./client-call.ts";
import { type ClientLink, type ClientLinkEvents, callOp, type OpenLink, type OutgoingItem } from "./link.ts";

/** From "opening" on only forwards: a "retired" lane takes no new calls and ends when its open ones have. */
export type LaneState = "opening" | "ready" | "retired" | "closed";

/** What a lane tells those who keep it. */
export interface LaneEvents {
  /** The server has accepted it. */
  ready(): void;
  /** A result has come. */
  brought(): void;
  /** Something waits to be sent on it, or it can take more again. */
  writable(): void;
  /** Acknowledgements wait for items to travel with. */
  acknowledges(): void;
  /** The server is leaving. */
  draining(): void;
  /** The last event. `was`: its state before. `fault`: why, if it was not the regular end. */
  closed(was: LaneState, fault: Error | undefined): void;
}

/** A lane from the client's side: the calls that are open on it, and what waits to be sent. */
export interface ClientLane<P> extends CallLane {
  readonly state: LaneState;
  /** True: what is sent now waits in memory. `writable` follows. */
  readonly congested: boolean;
  readonly calls: CallTable<ClientCall<P>>;
  /** Calls on it, and those forgotten since the last result: a peer that hangs looks busy, not idle. */
  readonly load: number;
  /** When it was opened, and from its acceptance on when that was. */
  readonly bornMs: number;
  /** How long it has been asked and said nothing. */
  quietMs(nowMs: number): number;
  /** Sends calls that want an answer, in one batch. */
  open(calls: readonly ClientCall<P>[], nowMs: number): void;
  sendControls(): void;
  /** Sends what it can take of pieces of bodies. */
  sendPieces(): void;
  /** Sends the acknowledgements that nothing came to travel with. */
  sendAcknowledgements(): void;
  /** Runs it after so long, unless the lane is retired or closed before. One at a time; it does not keep the process. */
  after(delayMs: number, run: () => void): void;
  /** No new calls; it ends when its open ones have. False: it takes none already. */
  retire(): boolean;
  /** Cuts it. */
  destroy(): void;
}

interface WaitingPiece {
  readonly item: OutgoingItem;
  /** Tells its sender that the lane has taken it, or is gone. */
  readonly taken: () => void;
}

/** So many acknowledgements go without anything to travel with. */
const fullBatch = 256;

/** Opens a lane. No event comes before it has returned. */
export function openClientLane<P>(open: OpenLink<P>, events: LaneEvents): ClientLane<P> {
  const calls = createCallTable<ClientCall<P>>();
  let state: LaneState = "opening";
  let bornMs = performance.now();
  let controls: OutgoingItem[] = [];
  /** Pieces of bodies that wait until the lane can take them: calls and controls go first. */
  const pieces: WaitingPiece[] = [];
  let acknowledgements: OutgoingItem[] = [];
  /** Calls for which the message that is being read has brought frames. */
  let fresh: ClientCall<P>[] = [];
  /** Calls that were sent and are not acknowledged yet: the lane stays for them. */
  let owed = 0;
  let lastCallId = 0;
  /** When the first call since the last result was sent. */
  let quietSinceMs: number | undefined;
  let unanswered = 0;
  let timer: NodeJS.Timeout | undefined;

  function withAcknowledgements(items: readonly OutgoingItem[]): readonly OutgoingItem[] {
    if (acknowledgements.length === 0) return items;
    const all = items.length === 0 ? acknowledgements : [...acknowledgements, ...items];
    acknowledgements = [];
    return all;
  }

  function endIfDone(): void {
    if (state !== "retired" || calls.size > 0 || owed > 0) return;
    const last = withAcknowledgements(controls);
    if (last.length > 0) link.send(last);
    controls = [];
    link.end();
  }

  const linkEvents: ClientLinkEvents<P> = {
    ready() {
      if (state !== "opening") return;
      state = "ready";
      bornMs = performance.now();
      events.ready();
    },
    result(callId, kind, payload) {
      const call = calls.get(callId);
      unanswered = 0;
      quietSinceMs = undefined;
      events.brought();
      if (call === undefined) return;
      if (kind === "frame") {
        if (call.frame(payload)) fresh.push(call);
        return;
      }
      if (kind === "want") {
        call.want(payload);
        return;
      }
      calls.delete(callId);
      if (kind === "ok") call.ok(payload);
      else call.refused(payload);
      endIfDone();
    },
    given() {
      if (fresh.length === 0) return;
      const calls = fresh;
      fresh = [];
      for (const call of calls) call.given();
    },
    unsent(callId, error) {
      const call = calls.get(callId);
      calls.delete(callId);
      call?.fail(error);
      endIfDone();
    },
    draining() {
      if (state === "opening") link.destroy();
      events.draining();
    },
    writable: () => events.writable(),
    closed(fault) {
      if (state === "closed") return;
      const was = state;
      state = "closed";
      for (const { taken } of pieces.splice(0)) taken();
      clearTimeout(timer);
      events.closed(was, fault);
    },
  };
  const link: ClientLink = open(linkEvents);

  const lane: ClientLane<P> = {
    calls,
    get state() {
      return state;
    },
    get congested() {
      return link.congested;
    },
    get load() {
      return calls.size + unanswered;
    },
    get bornMs() {
      return bornMs;
    },
    quietMs: (nowMs) => (quietSinceMs === undefined || calls.size === 0 ? 0 : nowMs - quietSinceMs),
    open(batch, nowMs) {
      if (calls.size === 0) quietSinceMs = undefined;
      quietSinceMs ??= nowMs;
      for (const call of batch) {
        lastCallId += 1;
        call.sent(lane, lastCallId, nowMs);
        calls.add(call);
        if (call.acknowledgement !== undefined) owed += 1;
      }
      if (batch.length > 0) link.send(withAcknowledgements(batch));
      for (const call of batch) if (!call.repeatable) call.message = undefined;
    },
    sendControls() {
      if (controls.length === 0 || link.congested || state === "closed") return;
      const items = controls;
      controls = [];
      link.send(items);
    },
    /** One by one, so that no more than one is beyond what the lane takes. */
    sendPieces() {
      while (pieces.length > 0 && !link.congested && state !== "closed") {
        const { item, taken } = pieces.shift() as WaitingPiece;
        if (calls.get(item.callId) !== undefined) link.send([item]);
        taken();
      }
    },
    sendAcknowledgements() {
      if (acknowledgements.length > 0 && state !== "closed") link.send(withAcknowledgements([]));
    },
    after(delayMs, run) {
      timer = setTimeout(run, delayMs);
      timer.unref();
    },
    retire() {
      if (state === "retired" || state === "closed") return false;
      state = "retired";
      clearTimeout(timer);
      endIfDone();
      return true;
    },
    destroy: () => link.destroy(),
    control(item) {
      controls.push(item);
      events.writable();
    },
    data: (item) =>
      new Promise((taken) => {
        pieces.push({ item, taken });
        events.writable();
      }),
    forget(callId) {
      if (calls.delete(callId)) unanswered += 1;
      endIfDone();
    },
    acknowledge(callId) {
      if (state === "closed") return;
      owed -= 1;
      acknowledgements.push({
        callId,
        op: callOp.acknowledge,
        requestId: 0n,
        traceparent: "",
        timeoutMs: 0,
        message: undefined,
      });
      if (acknowledgements.length >= fullBatch) link.send(withAcknowledgements([]));
      else events.acknowledges();
      endIfDone();
    },
  };
  return lane;
}
