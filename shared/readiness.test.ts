import { describe, expect, it } from "vitest";
import { createReadiness } from "./readiness.ts";

describe("readiness", () => {
  it("is what the look says; a look that fails says no", async () => {
    expect(await createReadiness(async () => true)()).toBe(true);
    expect(await createReadiness(async () => false)()).toBe(false);
    expect(await createReadiness(() => Promise.reject(new Error("away")))()).toBe(false);
  });

  it("is no while a look hangs, and begins no other until that one has ended", async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    let begun = 0;
    const ready = createReadiness(() => (begun++ === 0 ? promise : Promise.resolve(true)), {
      limitMs: 10,
      forsakenMs: 60_000,
    });
    expect([await ready(), await ready(), begun]).toEqual([false, false, 1]);
    resolve(true);
    expect([await ready(), await ready(), begun]).toEqual([true, true, 2]);
  });

  it("looks anew beside a look that never ends", async () => {
    let begun = 0;
    const ready = createReadiness(
      () => (begun++ === 0 ? new Promise<boolean>(() => undefined) : Promise.resolve(true)),
      {
        limitMs: 10,
        forsakenMs: 5,
      },
    );
    expect([await ready(), await ready()]).toEqual([false, true]);
  });
});
