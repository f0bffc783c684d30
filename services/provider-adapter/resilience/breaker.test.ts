import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Breaker, createBreaker, type ProbeEnd } from "./breaker.ts";

/** Steps of cockatiel are promises. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("breaker", () => {
  let breaker: Breaker;
  let ends: (end: ProbeEnd) => void = () => undefined;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date", "performance"] });
    // 0.5 is the middle of the scatter: times are exact.
    breaker = createBreaker({ firstRestMs: 1_000, maxRestMs: 5_000, random: () => 0.5 });
  });
  afterEach(() => vi.useRealTimers());

  const pass = (ms: number) => vi.advanceTimersByTime(ms);

  async function trip(end: Exclude<ProbeEnd, "good">) {
    breaker.trip(end);
    await settle();
  }

  async function probe(end: ProbeEnd) {
    const begun = breaker.probe();
    expect(begun).toBeTypeOf("function");
    begun?.(end);
    await settle();
  }

  test("opens, lets one probe through after the time, closes by a good one", async () => {
    expect(breaker.state).toBe("closed");
    await trip("fault");
    expect(breaker.state).toBe("open");
    expect(breaker.probe()).toBeUndefined();
    pass(999);
    expect(breaker.state).toBe("open");
    pass(1);
    expect(breaker.state).toBe("due");
    ends = breaker.probe() ?? ends;
    expect(breaker.state).toBe("probing");
    expect(breaker.probe()).toBeUndefined();
    ends("good");
    await settle();
    expect(breaker.state).toBe("closed");
  });

  test("each probe that fails doubles the time, up to the longest", async () => {
    await trip("fault");
    for (const restMs of [1_000, 2_000, 4_000, 5_000, 5_000]) {
      expect(breaker.restMs).toBe(restMs);
      pass(restMs);
      await probe("fault");
      expect(breaker.state).toBe("open");
    }
    pass(5_000);
    await probe("good");
    await trip("fault");
    expect(breaker.restMs).toBe(1_000);
  });

  test("a probe that says nothing is followed by another after the same time", async () => {
    await trip("fault");
    pass(1_000);
    await probe("unclear");
    expect(breaker.restMs).toBe(1_000);
  });

  test("the time that the upstream names counts, within the bound, and does not double", async () => {
    await trip({ restMs: 300 });
    expect(breaker.restMs).toBe(300);
    pass(300);
    await probe({ restMs: 3_600_000 });
    expect(breaker.restMs).toBe(5_000);
    pass(5_000);
    await probe("fault");
    expect(breaker.restMs).toBe(1_000);
  });

  test.for([-3_600_000, 3_600_000])(
    "a clock that is set by %i ms neither prolongs a rest nor ends it",
    async (byMs) => {
      await trip("fault");
      vi.setSystemTime(Date.now() + byMs);
      pass(999);
      expect([breaker.state, breaker.restMs]).toEqual(["open", 1]);
      pass(1);
      await probe("good");
      expect(breaker.state).toBe("closed");
    },
  );

  test("it can be closed at once, and the end of an old probe is no news then", async () => {
    await trip("fault");
    pass(1_000);
    ends = breaker.probe() ?? ends;
    breaker.close();
    expect(breaker.state).toBe("closed");
    ends("fault");
    await settle();
    expect(breaker.state).toBe("closed");
  });

  test("replicas probe at different times: the rest is scattered by a fifth", async () => {
    for (const [random, restMs] of [
      [0, 800],
      [0.999_999, 1_200],
    ] as const) {
      breaker = createBreaker({ firstRestMs: 1_000, maxRestMs: 5_000, random: () => random });
      await trip("fault");
      expect(Math.round(breaker.restMs)).toBe(restMs);
    }
  });
});
