import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createThread, type Thread, ThreadGone } from "./thread.ts";

/** Lines of the log, by their texts. */
const warnings: string[] = [];
const faults: unknown[] = [];
const log = {
  warn: (_fields: object, text: string) => void warnings.push(text),
  error: (fields: object) => void faults.push(fields),
} as unknown as Parameters<typeof createThread>[0]["log"];

let thread: Thread;

function make(options: Partial<Parameters<typeof createThread>[0]> = {}): Thread {
  const file = new URL("./testing-thread.ts", import.meta.url);
  const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 };
  return createThread({ file, name: "test", data: "given", resourceLimits, idleMs: 60_000, log, ...options });
}

async function started(): Promise<void> {
  await vi.waitFor(() => expect(thread.ready()).toBe(true), { timeout: 10_000, interval: 10 });
}

const say = (input: string, timeoutMs = 10_000, signal?: AbortSignal) =>
  thread.call(input, { requestId: 5n, timeoutMs, signal });

beforeEach(() => {
  warnings.length = 0;
  faults.length = 0;
  thread = make();
});
afterEach(() => thread.stop());

describe("a thread", () => {
  test("is made when it is first asked for, and takes no call before it can answer", async () => {
    expect(thread.ready()).toBe(false);
    await expect(say("tell")).rejects.toThrow(ThreadGone);
    await started();
    expect(await say("tell", 1_234)).toEqual({ data: "given", requestId: 5n, timeoutMs: 1_234 });
    expect(await say("bytes")).toEqual(Uint8Array.of(1, 2, 3));
  });

  test("gives errors as they were thrown, and of a fault of ours no more than its client may read", async () => {
    await started();
    await expect(say("refuse")).rejects.toMatchObject({ code: "invalid_value", param: "page", retryAfterMs: 7 });
    await expect(say("fail")).rejects.toMatchObject({ code: "internal_error", message: "An internal error occurred." });
    expect(JSON.stringify(faults)).toContain("a secret detail");
  });

  test("is told when its caller has gone", async () => {
    await started();
    const caller = new AbortController();
    const waiting = say("wait", 60_000, caller.signal);
    caller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "client_closed_request" });
    await expect(say("tell", 1_000, AbortSignal.abort())).rejects.toMatchObject({ code: "client_closed_request" });
    // The work of its call has ended, so the thread can stop at once.
    expect(await say("tell")).toBeDefined();
  });

  test.each(["exit", "exhaust"])(
    "that dies by %s gives back what it had, and is made anew a moment later",
    async (how) => {
      await started();
      const others = say("wait");
      await expect(Promise.allSettled([say(how), others])).resolves.toMatchObject([
        { status: "rejected", reason: { name: "ThreadGone" } },
        { status: "rejected", reason: { name: "ThreadGone" } },
      ]);
      expect(warnings).toHaveLength(1);
      expect(thread.ready()).toBe(false);
      await started();
      expect(await say("tell")).toBeDefined();
    },
  );

  test("that is stuck is ended some seconds after the call's time", async () => {
    await started();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const stuck = say("hang", 100);
      vi.advanceTimersByTime(100);
      expect(thread.ready()).toBe(true);
      vi.advanceTimersByTime(10_000);
      await expect(stuck).rejects.toThrow(ThreadGone);
    } finally {
      vi.useRealTimers();
    }
  });

  test("ends after a time without calls, and comes back for the next", async () => {
    await thread.stop();
    thread = make({ idleMs: 50 });
    await started();
    await vi.waitFor(() => expect(say("tell")).rejects.toThrow(ThreadGone), { timeout: 10_000, interval: 200 });
    await started();
    expect(await say("tell")).toBeDefined();
    expect(warnings).toEqual([]);
  });

  test("that was stopped is not made again", async () => {
    await started();
    const waiting = say("wait");
    const gone = expect(waiting).rejects.toThrow(ThreadGone);
    await thread.stop();
    await gone;
    expect(thread.ready()).toBe(false);
  });
});
