import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTurns, type TurnsOptions } from "./turns.ts";

const usual: TurnsOptions = {
  atOnce: 4,
  atOnceEach: 2,
  waiting: 100,
  waitingEach: 50,
  waitMs: 10_000,
  tooMany: "too many",
  tooBusy: "too busy",
};
const stays = new AbortController().signal;

/** Calls that run until they are let go, and the order in which they began. */
function calls(options: Partial<TurnsOptions> = {}) {
  const turns = createTurns({ ...usual, ...options });
  const begun: { account: bigint; letGo: () => void }[] = [];
  const take = (account: bigint, signal = stays) =>
    turns.take(account, signal, () => new Promise<void>((letGo) => void begun.push({ account, letGo })));
  return { turns, begun, take };
}

describe("turns", () => {
  test("are shared by accounts: who has sixteen calls waiting does not hold up who has one", async () => {
    const { begun, take } = calls();
    const all = Array.from({ length: 16 }, () => take(1n));
    all.push(take(2n));
    await turn();
    expect(begun.map(({ account }) => account)).toEqual([1n, 1n, 2n]);
    for (let n = 0; n < 17; n++) {
      begun[n]?.letGo();
      await turn();
    }
    await Promise.all(all);
    expect(begun).toHaveLength(17);
  });

  test("come one after the other to accounts that wait, however many calls each has", async () => {
    const { begun, take } = calls({ atOnce: 1, atOnceEach: 1 });
    const all = [1n, 1n, 1n, 1n, 2n, 2n, 3n].map((account) => take(account));
    for (let n = 0; n < all.length; n++) {
      await turn();
      begun[n]?.letGo();
    }
    await Promise.all(all);
    expect(begun.map(({ account }) => account)).toEqual([1n, 2n, 3n, 1n, 2n, 1n, 1n]);
  });

  test("that do not come in time are refused: 429 where the account's own calls are why, else 503", async () => {
    const { begun, take } = calls({ atOnce: 2, atOnceEach: 1, waitMs: 20 });
    const held = [take(1n), take(2n)];
    await expect(take(1n)).rejects.toMatchObject({
      code: "concurrent_limit_exceeded",
      httpStatus: 429,
      retryAfterMs: 1_000,
    });
    await expect(take(3n)).rejects.toMatchObject({ code: "service_unavailable", httpStatus: 503 });
    for (const { letGo } of begun) letGo();
    await Promise.all(held);
    const last = take(3n);
    begun.at(-1)?.letGo();
    await last;
  });

  test("are waited for by so many and no more", async () => {
    const { turns, begun, take } = calls({ atOnce: 1, atOnceEach: 1, waiting: 3, waitingEach: 2 });
    const all = [1n, 1n, 1n].map((account) => take(account));
    await expect(take(1n)).rejects.toMatchObject({ code: "concurrent_limit_exceeded" });
    all.push(take(2n));
    await expect(take(2n)).rejects.toMatchObject({ code: "service_unavailable" });
    expect(turns.waiting).toBe(3);
    for (let n = 0; n < all.length; n++) {
      await turn();
      begun[n]?.letGo();
    }
    await Promise.all(all);
  });

  test("are not kept for who has left, and a failed call gives its turn back", async () => {
    const { turns, begun, take } = calls({ atOnce: 1 });
    const first = take(1n);
    const leaving = new AbortController();
    const left = take(2n, leaving.signal);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: "client_closed_request" });
    expect(turns.waiting).toBe(0);
    begun[0]?.letGo();
    await first;
    await expect(turns.take(3n, stays, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await turns.take(3n, stays, async () => "yes")).toBe("yes");
  });

  test("never exceed their numbers, and all come in the end, whatever comes and goes", async () => {
    const step = fc.record({ account: fc.bigInt(1n, 4n), ends: fc.nat(3), leaves: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 2 }),
        async (steps, atOnce, atOnceEach) => {
          const { turns, begun, take } = calls({ atOnce, atOnceEach });
          const ended = new Set<number>();
          const all: Promise<unknown>[] = [];
          const endOne = (nth: number): void => {
            const open = begun.flatMap((_, index) => (ended.has(index) ? [] : [index]));
            const index = open[nth % Math.max(1, open.length)];
            if (index === undefined) return;
            ended.add(index);
            begun[index]?.letGo();
          };
          for (const { account, ends, leaves } of steps) {
            const leaving = new AbortController();
            all.push(take(account, leaving.signal).catch(() => undefined));
            if (leaves) leaving.abort();
            for (let n = 0; n < ends; n++) endOne(n);
            await turn();
            const open = begun.filter((_, index) => !ended.has(index));
            expect(open.length).toBeLessThanOrEqual(atOnce);
            for (const id of [1n, 2n, 3n, 4n]) {
              expect(open.filter((call) => call.account === id).length).toBeLessThanOrEqual(atOnceEach);
            }
          }
          for (let n = 0; ended.size < begun.length || turns.waiting > 0; n++) {
            expect(n).toBeLessThan(200);
            endOne(0);
            await turn();
          }
          await Promise.all(all);
        },
      ),
      { numRuns: 50 },
    );
  });
});
