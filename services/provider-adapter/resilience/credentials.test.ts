import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type CredentialPool, createCredentialPool } from "./credentials.ts";

describe("credentials of a channel", () => {
  let pool: CredentialPool;
  const three = ["a", "b", "c"];
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date", "performance"] });
    pool = createCredentialPool();
  });
  afterEach(() => vi.useRealTimers());
  const pass = (ms: number) => vi.advanceTimersByTime(ms);
  const takeAll = (times: number) => Array.from({ length: times }, () => pool.take(three, {})?.value);

  test("are used in turn", () => {
    expect(takeAll(6).sort()).toEqual(["a", "a", "b", "b", "c", "c"]);
    expect(pool.take([], {})?.value).toBe("");
  });

  test("one that is refused rests while the others go on", () => {
    pool.take(["b"], {})?.rest(10_000);
    expect(new Set(takeAll(10))).toEqual(new Set(["a", "c"]));
    expect(pool.restsForMs(three)).toBe(0);
    expect(pool.restsForMs(["b"])).toBe(10_000);
  });

  test("those that were tried are not given again", () => {
    const tried = new Set(["a", "c"]);
    expect(pool.take(three, { tried })?.value).toBe("b");
    expect(pool.take(three, { tried: new Set(three) })).toBeUndefined();
    expect(pool.take(three, { tried: new Set(three), force: true })).toBeUndefined();
  });

  test("when all rest none is given, except by force the one whose rest ends first", () => {
    for (const [value, restMs] of [
      ["a", 3_000],
      ["b", 1_000],
      ["c", 2_000],
    ] as const) {
      pool.take([value], {})?.rest(restMs);
    }
    expect(pool.take(three, {})).toBeUndefined();
    expect(pool.restsForMs(three)).toBe(1_000);
    expect(pool.take(three, { force: true })?.value).toBe("b");
  });

  test("after its rest one attempt at a time tries it, until it works", () => {
    pool.take(["a"], {})?.rest(1_000);
    pass(1_000);
    const trial = pool.take(["a"], {});
    expect(trial?.value).toBe("a");
    expect(pool.take(["a"], {})).toBeUndefined();
    trial?.neutral();
    const again = pool.take(["a"], {});
    expect(again?.value).toBe("a");
    again?.good();
    expect(pool.take(["a"], {})?.value).toBe("a");
    expect(pool.take(["a"], {})?.value).toBe("a");
  });

  test("what was sent before a rest says nothing against it; what was sent in spite of it does", () => {
    const before = pool.take(["a"], {});
    pool.take(["a"], {})?.rest(10_000);
    before?.good();
    expect(pool.restsForMs(["a"])).toBe(10_000);
    pool.take(["a"], { force: true })?.good();
    expect(pool.restsForMs(["a"])).toBe(0);
  });

  test.for([-3_600_000, 3_600_000])("a clock that is set by %i ms neither prolongs a rest nor ends it", (byMs) => {
    pool.take(["a"], {})?.rest(10_000);
    vi.setSystemTime(Date.now() + byMs);
    pass(9_999);
    expect(pool.restsForMs(["a"])).toBe(1);
    pass(1);
    expect(pool.take(["a"], {})?.value).toBe("a");
  });

  test("a shorter rest does not end a longer one", () => {
    pool.take(["a"], {})?.rest(10_000);
    pool.take(["a"], { force: true })?.rest(1_000);
    expect(pool.restsForMs(["a"])).toBe(10_000);
  });
});
