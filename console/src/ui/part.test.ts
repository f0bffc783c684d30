import { expect, test } from "vitest";
import { reloadOnce } from "./part.ts";

test("a page is loaded again once, and anew when that is a while ago", () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  let loaded = 0;
  const reload = (nowMs: number) => reloadOnce(storage, nowMs, () => loaded++);
  const startMs = 1_800_000_000_000;
  expect([0, 1_000, 29_999, 30_000].map((afterMs) => reload(startMs + afterMs))).toEqual([true, false, false, true]);
  expect(loaded).toBe(2);
});

test("a page whose browser keeps nothing is not loaded again by itself, for it might do so for ever", () => {
  const refusing = (): never => {
    throw new Error("refused");
  };
  expect(reloadOnce({ getItem: refusing, setItem: refusing }, Date.now(), expect.unreachable)).toBe(false);
});
