import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ThroughlineError } from "../errors/error.ts";
import { ClientCall } from "./client-call.ts";
import { createDeadlines } from "./deadlines.ts";
import { wasUnsent } from "./faults.ts";
import { createLanePool, type LanePool } from "./lane-pool.ts";
import type { ClientLinkEvents, LooseMessage } from "./link.ts";

/*
 * A pool whose peers hang: they take what is sent and say nothing. Time is the test's.
 */

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Peer {
  readonly events: ClientLinkEvents<string>;
  /** IDs of the calls that came and were not answered. */
  readonly asked: number[];
  hangs: boolean;
  answersAfterMs: number;
}

/** A pool of one lane to each of so many peers. */
function peersOf(count: number, answers: "soon" | "promptly" | undefined) {
  const peers: Peer[] = [];
  /** Whether lanes can be opened. */
  const ground = { open: true };
  const pool = createLanePool<string>({
    lanes: count,
    maxAgeMs: 3_600_000,
    lingerMs: 0,
    answers,
    open(events) {
      const peer: Peer = { events, asked: [], hangs: false, answersAfterMs: 0 };
      peers.push(peer);
      setImmediate(() => (ground.open ? events.ready() : events.closed(new Error("nobody is there"))));
      return {
        congested: false,
        send(items) {
          for (const { callId } of items) {
            if (peer.hangs) peer.asked.push(callId);
            else setTimeout(() => events.result(callId, "ok", "fine"), peer.answersAfterMs);
          }
        },
        end() {},
        destroy() {},
      };
    },
  });
  return { pool, peers, ground };
}

const deadlines = createDeadlines();
const message = {} as LooseMessage;

/** Calls, and gives how it ended and after how long. */
function ask(pool: LanePool<string>, timeoutMs = 10_000) {
  const startMs = performance.now();
  const ended: { how: string | undefined; ms: number; unsent: boolean } = { how: undefined, ms: 0, unsent: false };
  const end = (how: string) => Object.assign(ended, { how, ms: performance.now() - startMs });
  const call = new ClientCall<string>(message, { timeoutMs }, false, deadlines, {
    ok: () => end("ok"),
    frame: () => false,
    given: () => undefined,
    want: () => undefined,
    refused: () => end("refused"),
    failed: (error) => Object.assign(end(error.code), { unsent: wasUnsent(error) }),
    expired: () => call.abandon(new ThroughlineError("upstream_timeout", "late")),
    aborted: () => undefined,
  });
  pool.submit(call);
  return ended;
}

const soonMs = 20;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** One call each 100 ms, for so long. */
async function stream(pool: LanePool<string>, forMs: number) {
  const all: ReturnType<typeof ask>[] = [];
  for (let ms = 0; ms < forMs; ms += 100) {
    all.push(ask(pool));
    await pass(100);
  }
  return all;
}

describe("a peer that hangs", () => {
  test("is waited for by those who came first; then it is tried by one call at a time, until it answers", async () => {
    const { pool, peers } = peersOf(1, "promptly");
    const before = ask(pool);
    await pass(soonMs);
    expect(before.how).toBe("ok");
    const [peer] = peers as [Peer];
    peer.hangs = true;
    await stream(pool, 5_000);
    const seen = peer.asked.length;
    const later = await stream(pool, 20_000);
    expect(peer.asked.length - seen, "calls that try it, one in ten seconds").toBeLessThanOrEqual(3);
    expect(later.filter(({ unsent }) => unsent).length, "calls that the peer has nothing of").toBeGreaterThanOrEqual(
      later.length - 3,
    );
    const turnedAway = later.filter(({ how, ms }) => how === "service_unavailable" && ms < soonMs);
    expect(turnedAway.length).toBeGreaterThanOrEqual(later.length - 3);
    // It wakes up, and answers what it was asked long ago.
    peer.hangs = false;
    peer.events.result(peer.asked[0] ?? 0, "ok", "late");
    const after = await stream(pool, 1_000);
    expect(new Set(after.map(({ how }) => how))).toEqual(new Set(["ok"]));
  });

  test("is left alone while another one answers", async () => {
    const { pool, peers } = peersOf(2, "soon");
    ask(pool);
    await pass(soonMs);
    const [first, second] = peers as [Peer, Peer];
    first.hangs = true;
    second.answersAfterMs = 500;
    const few = await stream(pool, 2_000);
    const lost = first.asked.length;
    expect(lost).toBeGreaterThan(0);
    // With many calls on the lane of the other one, the lane that hangs has the fewest.
    const many: ReturnType<typeof ask>[] = [];
    for (let n = 0; n < 500; n += 1) {
      many.push(ask(pool));
      await pass(10);
    }
    await pass(1_000);
    expect(first.asked.length).toBe(lost);
    expect(new Set(many.map(({ how }) => how))).toEqual(new Set(["ok"]));
    expect(few.filter(({ how }) => how === undefined)).toHaveLength(lost);
  });

  test("of streams is not thought away: they may be quiet for as long as their source is", async () => {
    const { pool, peers } = peersOf(1, undefined);
    ask(pool);
    await pass(soonMs);
    const [peer] = peers as [Peer];
    peer.hangs = true;
    const all = await stream(pool, 8_000);
    expect(peer.asked.length).toBe(all.length);
    expect(all.filter(({ how }) => how !== undefined)).toEqual([]);
  });

  test("a call that is given up early says nothing of its peer, nor does a long time without calls", async () => {
    const { pool, peers } = peersOf(1, "promptly");
    ask(pool);
    await pass(soonMs);
    const [peer] = peers as [Peer];
    peer.hangs = true;
    ask(pool, 50);
    await pass(60_000);
    peer.hangs = false;
    const all = [ask(pool), ask(pool), ask(pool)];
    await pass(soonMs);
    expect(all.map(({ how }) => how)).toEqual(["ok", "ok", "ok"]);
  });
});

test("where the connection of a peer that hung is given up, the time that it hung counts", async () => {
  const { pool, peers, ground } = peersOf(1, "soon");
  ask(pool);
  await pass(soonMs);
  const [peer] = peers as [Peer];
  peer.hangs = true;
  await stream(pool, 6_000);
  ground.open = false;
  peer.events.closed(new Error("no answer to pings"));
  await stream(pool, 2_200);
  const late = await stream(pool, 5_000);
  const waited = late.filter(({ how, ms }) => how !== "service_unavailable" || ms >= soonMs);
  expect(waited.length, "calls that try it, one in two seconds").toBeLessThanOrEqual(4);
});

test("where no peer is there calls wait at first, as for a restart, then fail at once, and go on when one is back", async () => {
  const { pool, peers, ground } = peersOf(1, undefined);
  ask(pool);
  await pass(soonMs);
  ground.open = false;
  const [peer] = peers as [Peer];
  peer.hangs = true;
  const sent = ask(pool);
  await pass(soonMs);
  peer.events.closed(new Error("gone"));
  expect(sent).toMatchObject({ how: "service_unavailable", unsent: false });
  const [first] = await stream(pool, 3_000);
  expect(first).toMatchObject({ how: "service_unavailable", unsent: true });
  expect(first?.ms).toBeGreaterThanOrEqual(2_000);
  await stream(pool, 5_000);
  const late = await stream(pool, 5_000);
  const waited = late.filter(({ how, ms }) => how !== "service_unavailable" || ms >= soonMs);
  expect(waited.length, "calls that try it, one in two seconds").toBeLessThanOrEqual(4);
  ground.open = true;
  await pass(3_000);
  const back = ask(pool);
  await pass(soonMs);
  expect(back.how).toBe("ok");
});
