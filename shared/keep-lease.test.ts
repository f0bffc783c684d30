import { describe, expect, test } from "vitest";
import type { LeaseNodeRequest } from "./gen/throughline/routing/v1/routing_pb.ts";
import { keepLease } from "./keep-lease.ts";
import { createLog } from "./log.ts";
import { createRequestIdSource } from "./request-id.ts";

const log = createLog({ service: "s", level: "silent" });
const startMs = Date.UTC(2026, 10, 29);
const leaseMs = 300_000;

/** A routing whose clock is `wallMs`, that counts its calls and can be away. */
function fakeRouting(wallMs: () => number) {
  const calls: string[] = [];
  const state: { away: boolean; holdUntil: Promise<unknown> | undefined } = { away: false, holdUntil: undefined };
  let node = 4;
  return {
    calls,
    state,
    async leaseNode({ renew, release }: Partial<LeaseNodeRequest>) {
      calls.push(release ? "release" : renew ? "renew" : "lease");
      await state.holdUntil;
      if (state.away) throw new Error("away");
      if (!renew && !release) node++;
      return { node, validFromUnixMs: BigInt(wallMs()), validUntilUnixMs: BigInt(wallMs() + leaseMs) };
    },
  };
}

async function setUp(skewMs = 0) {
  const clock = { wall: startMs, steady: 0 };
  const routing = fakeRouting(() => clock.wall - skewMs);
  const ids = createRequestIdSource({ nowMs: () => clock.wall });
  const clocks = { wallMs: () => clock.wall, steadyMs: () => clock.steady };
  const lease = await keepLease(routing as never, ids, "here", log, clocks);
  return { clock, routing, ids, lease };
}

describe("a kept lease", () => {
  test.each([1, 10, 60 * 24, 60 * 24 * 365 * 3])(
    "goes on at once after the clock jumped by %d x 10 minutes",
    async (tens) => {
      const { clock, routing, ids, lease } = await setUp();
      const before = ids.next();
      clock.wall += tens * 600_000;
      expect(ids.leaseValid()).toBe(false);
      // A hundred requests find it so: one call for all of them.
      await Promise.all(Array.from({ length: 100 }, () => ids.renewed()));
      expect(ids.next()).toBeGreaterThan(before);
      expect(routing.calls).toEqual(["lease", "renew"]);
      await lease.stop();
      expect(routing.calls.at(-1)).toBe("release");
    },
  );

  test("asks nobody where it is valid, and goes on after a step back", async () => {
    const { clock, routing, ids, lease } = await setUp();
    const before = ids.next();
    clock.wall -= 3_600_000;
    await ids.renewed();
    expect(ids.next()).toBeGreaterThan(before);
    expect(routing.calls).toEqual(["lease"]);
    await lease.stop();
  });

  test("does not ask again for each request while routing is away, and waits no longer than a bound", async () => {
    const { clock, routing, ids, lease } = await setUp();
    clock.wall += 3_600_000;
    routing.state.away = true;
    await ids.renewed();
    for (let i = 0; i < 50; i++) await ids.renewed();
    expect(routing.calls).toEqual(["lease", "renew"]);
    expect(() => ids.next()).toThrow();
    clock.steady += 500;
    // No answer at all.
    const hold = Promise.withResolvers<void>();
    routing.state.away = false;
    routing.state.holdUntil = hold.promise;
    await ids.renewed();
    expect(() => ids.next()).toThrow();
    hold.resolve();
    await ids.renewed();
    ids.next();
    // It was lost for what this process knew, so any node was asked for.
    expect(routing.calls).toEqual(["lease", "renew", "lease"]);
    await lease.stop();
  });

  test("does not ask again for each request where this clock alone is ahead", async () => {
    const { routing, ids, lease } = await setUp(3_600_000);
    for (let i = 0; i < 50; i++) await ids.renewed();
    expect(() => ids.next()).toThrow();
    expect(routing.calls).toEqual(["lease"]);
    await lease.stop();
  });
});
