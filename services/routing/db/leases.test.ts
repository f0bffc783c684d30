import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { silentLog, type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import type { NodeWindow } from "../domain/leases.ts";
import { leaseNode, releaseNode, renewNode } from "./leases.ts";
import { openDatabase, type RoutingDatabase } from "./open.ts";

let postgres: TestPostgres;
let db: RoutingDatabase;
const nodes = 3;
const leaseMs = 1_000;

beforeAll(async () => {
  postgres = await testPostgres();
  db = await openDatabase({ url: postgres.url, maxConnections: 5, migrate: true, log: silentLog });
  // So few that every sequence runs into the end of them.
  await db.kysely.deleteFrom("node_lease").where("node", ">=", nodes).execute();
});
afterAll(async () => {
  await db.close();
  await postgres.stop();
});
beforeEach(async () => {
  await db.kysely.updateTable("node_lease").set({ holder: "", valid_from_ms: 0n, valid_until_ms: 0n }).execute();
});

/** What a holder was given: the windows of one tenancy, from the first lease through its renewals. */
interface Tenancy {
  readonly holder: string;
  readonly fromMs: number;
  untilMs: number;
}

type Step =
  | { readonly do: "lease"; readonly holder: string; readonly skewMs: number }
  | { readonly do: "renew" | "release"; readonly pick: number; readonly skewMs: number }
  | { readonly do: "wait"; readonly ms: number };

// The clocks of replicas: hours apart would be refused nowhere, and minutes are more than a lease.
const skewMs = fc.constantFrom(0, 0, 300, -300, 5_000, -5_000);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("lease" as const), holder: fc.constantFrom("a", "b", "c", "d"), skewMs }),
  fc.record({ do: fc.constantFrom("renew" as const, "release" as const), pick: fc.nat(9), skewMs }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(50, 500, 1_200) }),
);

describe("the windows of a node", () => {
  test("never overlap, whatever is leased, renewed, let run out and given back, by clocks that disagree", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        run++;
        let nowMs = run * 1_000_000;
        await db.kysely.updateTable("node_lease").set({ holder: "", valid_until_ms: 0n, valid_from_ms: 0n }).execute();
        const tenancies = new Map<number, Tenancy[]>();
        const held: NodeWindow[] = [];
        const enter = (window: NodeWindow, renewed: boolean): void => {
          const list = tenancies.get(window.node) ?? [];
          const last = list.at(-1);
          if (renewed && last !== undefined) {
            expect(window.validFromMs).toBe(last.fromMs);
            expect(window.validUntilMs).toBeGreaterThanOrEqual(last.untilMs);
            expect(window.holder).toBe(last.holder);
            last.untilMs = window.validUntilMs;
          } else {
            expect(window.validFromMs).toBeGreaterThanOrEqual(last?.untilMs ?? 0);
            expect(window.validUntilMs).toBe(window.validFromMs + leaseMs);
            tenancies.set(window.node, [
              ...list,
              { holder: window.holder, fromMs: window.validFromMs, untilMs: window.validUntilMs },
            ]);
          }
        };
        for (const one of steps) {
          if (one.do === "wait") nowMs += one.ms;
          else if (one.do === "lease") {
            const window = await leaseNode(db, one.holder, nowMs + one.skewMs, leaseMs);
            if (window !== undefined) {
              enter(window, false);
              held.push(window);
            }
          } else {
            const mine = held[one.pick % (held.length || 1)];
            if (mine === undefined) continue;
            if (one.do === "release") await releaseNode(db, mine.node, mine.holder);
            else {
              const window = await renewNode(db, mine.node, mine.holder, nowMs + one.skewMs, leaseMs);
              if (window !== undefined) enter(window, true);
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("go to different holders when all ask at once, and the last finds none", async () => {
    const windows = await Promise.all(["a", "b", "c", "d", "e"].map((holder) => leaseNode(db, holder, 5_000, leaseMs)));
    const given = windows.filter((window) => window !== undefined);
    expect(new Set(given.map(({ node }) => node)).size).toBe(given.length);
    expect(given.length).toBeLessThanOrEqual(nodes);
    // Those that met a locked row are answered when they ask again.
    while ((await leaseNode(db, "late", 5_000, leaseMs)) !== undefined)
      given.push({ node: -1, holder: "", validFromMs: 0, validUntilMs: 0 });
    expect(given).toHaveLength(nodes);
  });
});

test("a number given back is leased again from the end of its last window, an ended one is preferred", async () => {
  const first = await leaseNode(db, "a", 10_000, leaseMs);
  await leaseNode(db, "b", 10_000, leaseMs);
  await leaseNode(db, "c", 10_000, leaseMs);
  expect(await leaseNode(db, "d", 10_500, leaseMs)).toBeUndefined();
  await releaseNode(db, first?.node ?? -1, "b");
  expect(await leaseNode(db, "d", 10_500, leaseMs), "given back by another").toBeUndefined();
  await releaseNode(db, first?.node ?? -1, "a");
  expect(await leaseNode(db, "d", 10_500, leaseMs)).toEqual({
    node: first?.node,
    holder: "d",
    validFromMs: 11_000,
    validUntilMs: 12_000,
  });
  expect(await leaseNode(db, "e", 11_500, leaseMs)).toMatchObject({ validFromMs: 11_500 });
  expect(await renewNode(db, first?.node ?? -1, "a", 11_500, leaseMs)).toBeUndefined();
  expect(await renewNode(db, 77, "a", 11_500, leaseMs)).toBeUndefined();
});

test("a lease that ran out is still renewed while nobody else has the number", async () => {
  const window = await leaseNode(db, "a", 1_000, leaseMs);
  expect(await renewNode(db, window?.node ?? -1, "a", 9_000, leaseMs)).toEqual({ ...window, validUntilMs: 10_000 });
});
