import { afterEach, describe, expect, it } from "vitest";
import { createWatch, type Watched } from "./watch.ts";

const watch = createWatch(10);
afterEach(() => watch.stop());

function watched(allowedMs: number): { item: Watched; silence: Promise<void>; silent: () => boolean } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let silent = false;
  const onSilence = () => {
    silent = true;
    resolve();
  };
  return {
    item: { heardAtTick: 0, allowedTicks: watch.ticks(allowedMs), onSilence },
    silence: promise,
    silent: () => silent,
  };
}

describe("watch", () => {
  it("calls those that are silent too long, once, and not those with no bound or taken off", async () => {
    const [short, long, unbounded, gone] = [watched(30), watched(60), watched(0), watched(30)];
    for (const { item } of [short, long, unbounded, gone]) watch.add(item);
    watch.delete(gone.item);
    const started = performance.now();
    await short.silence;
    expect(performance.now() - started).toBeGreaterThanOrEqual(29);
    expect(long.silent()).toBe(false);
    await long.silence;
    expect([unbounded.silent(), gone.silent()]).toEqual([false, false]);
  });

  it("times nobody out because the event loop stood still", async () => {
    const one = watched(50);
    watch.add(one.item);
    const until = performance.now() + 150;
    while (performance.now() < until);
    // The timers that fell due meanwhile run before this.
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(one.silent()).toBe(false);
    await one.silence;
  });
});
