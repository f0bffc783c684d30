import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ChannelHealth, createChannelHealth, type Pass } from "./channel-health.ts";
import { faultsInARow } from "./tally.ts";
import { good, neutral, quickFault, slowFault, type Verdict } from "./verdict.ts";

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("health of a channel", () => {
  let health: ChannelHealth;
  let changes: boolean[] = [];
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date", "performance"] });
    changes = [];
    health = createChannelHealth({
      probeAfterMs: 1_000,
      silenceMs: 5_000,
      random: () => 0.5,
      onChange: ({ open }) => changes.push(open),
    });
  });
  afterEach(() => vi.useRealTimers());
  const pass = (ms: number) => vi.advanceTimersByTime(ms);

  function go(options: { force?: boolean; credentials?: string[] } = {}): Pass {
    const entered = health.enter({ credentials: options.credentials ?? [], force: options.force === true });
    if (typeof entered === "string") throw new Error(`refused: ${entered}`);
    return entered;
  }
  const why = () => health.enter({ credentials: [] });
  async function once(verdict: Verdict, options: Parameters<typeof go>[0] = {}) {
    const entered = go(options);
    entered.end({ verdict, firstByteMs: verdict.kind === "good" ? 100 : 0, code: "upstream_overloaded", status: 429 });
    await settle();
  }

  test("opens after faults in a row, and not before", async () => {
    for (let i = 1; i < faultsInARow; i++) await once(quickFault);
    await once(good);
    for (let i = 1; i < faultsInARow; i++) await once(quickFault);
    expect(typeof why()).toBe("object");
    await once(quickFault);
    expect(why()).toBe("breaker open");
    expect(health.read()).toMatchObject({ attempts: 10, failures: 9, open: true, cooldownUntilMs: 0 });
  });

  test("remembers what the last attempts came to, whoever reads it: a channel that refuses everything never looks well", async () => {
    const verdicts = [
      good,
      neutral,
      quickFault,
      { kind: "credential", restMs: 10 },
      { kind: "rest", restMs: 10 },
    ] as const;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(verdicts.length - 1), { maxLength: 60 }), async (kinds) => {
        health = createChannelHealth({
          probeAfterMs: 1,
          silenceMs: 5_000,
          random: () => 0.5,
          onChange: () => undefined,
        });
        const said: boolean[] = [];
        for (const kind of kinds) {
          const verdict = verdicts[kind] ?? good;
          await once(verdict, { force: true });
          if (verdict.kind !== "neutral") said.push(verdict.kind !== "good");
          health.read();
        }
        const last = said.slice(-20);
        const { lately } = health.read();
        expect([lately.attempts, lately.failures]).toEqual([last.length, last.filter((failed) => failed).length]);
        expect(lately.failedAtMs > 0).toBe(said.includes(true));
        expect(lately.goodAtMs > 0).toBe(said.includes(false));
        expect([lately.failureCode, lately.failureStatus]).toEqual(
          said.includes(true) ? ["upstream_overloaded", 429] : ["", 0],
        );
      }),
      { numRuns: 50 },
    );
  });

  test("opens when more than half of the last 20 fail, though never many in a row", async () => {
    for (let i = 0; i < 40 && typeof why() !== "string"; i++) await once(i % 3 === 2 ? good : quickFault);
    expect(why()).toBe("breaker open");
  });

  test("a client's mistakes open nothing and heal nothing", async () => {
    for (let i = 1; i < faultsInARow; i++) await once(quickFault);
    for (let i = 0; i < 100; i++) await once(neutral);
    expect(typeof why()).toBe("object");
    await once(quickFault);
    expect(why()).toBe("breaker open");
  });

  test("one who waited in vain is enough where nobody else was answered meanwhile", async () => {
    await once(good);
    const hanging = go();
    pass(300);
    hanging.end({ verdict: slowFault, firstByteMs: 0, code: "", status: 0 });
    await settle();
    expect(why()).toBe("breaker open");
  });

  test("one who waited in vain counts as one where others were answered", async () => {
    const hanging = go();
    pass(100);
    await once(good);
    pass(100);
    hanging.end({ verdict: slowFault, firstByteMs: 0, code: "", status: 0 });
    await settle();
    expect(typeof why()).toBe("object");
  });

  test("one probe at a time; a good one lets all through", async () => {
    await once(slowFault);
    pass(1_000);
    expect(health.read().open).toBe(false);
    const probe = go();
    expect(why()).toBe("one probe is under way");
    expect(health.read().open).toBe(true);
    probe.end({ verdict: good, firstByteMs: 10, code: "", status: 0 });
    await settle();
    for (let i = 0; i < 10; i++) go();
    expect(changes).toEqual([true, false]);
  });

  test("a probe that fails keeps it closed to others for longer", async () => {
    await once(slowFault);
    pass(1_000);
    await once(slowFault);
    pass(1_000);
    expect(why()).toBe("breaker open");
    pass(1_000);
    await once(good);
    expect(changes).toEqual([true, false]);
  });

  test("a probe that streams well is trusted before its end, and its late failure counts as one", async () => {
    await once(slowFault);
    pass(1_000);
    const probe = go();
    probe.heard();
    probe.began();
    pass(500);
    expect(why()).toBe("one probe is under way");
    pass(600);
    why();
    await settle();
    expect(typeof why()).toBe("object");
    for (let i = 1; i < faultsInARow; i++) await once(quickFault);
    probe.end({ verdict: quickFault, firstByteMs: 5, code: "", status: 0 });
    await settle();
    expect(why()).toBe("breaker open");
  });

  test("a client that leaves a probe unanswered decides nothing", async () => {
    await once(slowFault);
    pass(1_000);
    await once(neutral);
    expect(why()).toBe("breaker open");
    pass(1_000);
    await once(good);
    expect(changes).toEqual([true, false]);
  });

  test("rests for as long as the upstream asks, then is probed", async () => {
    await once({ kind: "rest", restMs: 7_000 });
    expect(why()).toBe("cooling down");
    expect(health.read()).toMatchObject({ open: false, cooldownUntilMs: Date.now() + 7_000 });
    pass(6_999);
    expect(why()).toBe("cooling down");
    pass(1);
    await once(good);
    expect(health.read().cooldownUntilMs).toBe(0);
  });

  test("a credential whose rest is over is tried by one until an answer begins, however long that goes on", async () => {
    const credentials = ["a"];
    await once({ kind: "credential", restMs: 5_000 }, { credentials });
    pass(5_000);
    const trial = go({ credentials });
    expect(health.enter({ credentials })).toBe("cooling down");
    trial.heard();
    trial.began();
    expect(typeof health.enter({ credentials })).toBe("object");
    trial.end({ verdict: good, firstByteMs: 100, code: "", status: 0 });
  });

  test("a refused credential rests alone; the channel cools down when all do", async () => {
    const credentials = ["a", "b"];
    const refused: Verdict = { kind: "credential", restMs: 5_000 };
    await once(refused, { credentials });
    await once(good, { credentials });
    expect(health.read().cooldownUntilMs).toBe(0);
    await once(refused, { credentials });
    expect(health.enter({ credentials })).toBe("cooling down");
    expect(health.read()).toMatchObject({ open: false, failures: 1 });
    pass(5_000);
    expect(typeof health.enter({ credentials })).toBe("object");
  });

  test("by force it is tried all the same: failure is no news, success heals at once", async () => {
    await once(slowFault);
    await once(slowFault, { force: true });
    expect(why()).toBe("breaker open");
    await once(good, { force: true });
    expect(typeof why()).toBe("object");
    expect(changes).toEqual([true, false]);
  });

  test("is left out before the first times out, while several wait and nobody hears anything", async () => {
    const waiting = [go(), go(), go()];
    pass(5_000);
    expect(typeof why()).toBe("object");
    pass(2);
    expect(why()).toBe("no answer for a while");
    waiting[1]?.heard();
    expect(typeof why()).toBe("object");
  });

  test("clients that give up after a long wait are believed", async () => {
    for (let i = 0; i < faultsInARow; i++) {
      const abandoned = go();
      pass(5_001);
      abandoned.end({ verdict: neutral, firstByteMs: 0, code: "", status: 0 });
      await settle();
    }
    expect(why()).toBe("breaker open");
  });

  test("the time to the first byte is a moving average", async () => {
    await once(good);
    expect(health.read().firstByteMs).toBe(100);
    go().end({ verdict: good, firstByteMs: 200, code: "", status: 0 });
    expect(health.read()).toMatchObject({ attempts: 1, firstByteMs: 120 });
    expect(health.read()).toMatchObject({ attempts: 0, firstByteMs: 120 });
  });
});
