import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { expect, test } from "vitest";
import { createLifecycle, runUntilSignal } from "./lifecycle.ts";

function recordingLog() {
  const errors: { step?: string; err?: Error }[] = [];
  const fatals: unknown[] = [];
  return {
    errors,
    fatals,
    info: () => undefined,
    warn: () => undefined,
    error: (fields: unknown) => errors.push(fields as { step?: string; err?: Error }),
    fatal: (fields: unknown) => fatals.push(fields),
  };
}

test("steps run once, last registered first, each after the one before has ended", async () => {
  const lifecycle = createLifecycle(recordingLog());
  const order: string[] = [];
  lifecycle.onStop("database", () => void order.push("database"));
  lifecycle.onStop("server", async () => {
    order.push("server begins");
    await new Promise((resolve) => setImmediate(resolve));
    order.push("server ends");
  });
  const [first, second] = await Promise.all([lifecycle.stop("test"), lifecycle.stop("again")]);
  expect(order).toEqual(["server begins", "server ends", "database"]);
  expect(first).toBe(second);
  expect(first.failed).toEqual([]);
});

test("a step that throws or never ends is logged, named, and does not hold up the others", async () => {
  const log = recordingLog();
  const lifecycle = createLifecycle(log);
  const order: string[] = [];
  lifecycle.onStop("last", () => void order.push("last"));
  lifecycle.onStop("hangs", () => new Promise(() => undefined), { timeoutMs: 20 });
  lifecycle.onStop("throws", () => {
    throw new Error("no");
  });
  expect((await lifecycle.stop("test")).failed).toEqual(["throws", "hangs"]);
  expect(order).toEqual(["last"]);
  expect(log.errors.map((entry) => [entry.step, entry.err?.message])).toEqual([
    ["throws", "no"],
    ["hangs", "hangs did not stop within 20 ms"],
  ]);
});

test("what comes up while the process goes down is stopped too", async () => {
  const lifecycle = createLifecycle(recordingLog());
  const order: string[] = [];
  lifecycle.onStop("first", () => {
    order.push("first");
    lifecycle.onStop("late", () => void order.push("late"));
  });
  await lifecycle.stop("test");
  expect(order).toEqual(["first", "late"]);
  lifecycle.onStop("very late", () => void order.push("very late"));
  await lifecycle.stop("test");
  expect(order).toEqual(["first", "late", "very late"]);
});

test("the signal aborts with the reason when stopping begins, before the first step", async () => {
  const lifecycle = createLifecycle(recordingLog());
  const seen: boolean[] = [];
  lifecycle.onStop("step", () => void seen.push(lifecycle.signal.aborted));
  const stopping = lifecycle.stop("SIGTERM");
  expect(lifecycle.signal.reason).toBe("SIGTERM");
  await stopping;
  expect(seen).toEqual([true]);
});

function fakeProcess() {
  const emitter = new EventEmitter();
  const exits: number[] = [];
  return Object.assign(emitter, { exits, exit: (code: number) => void exits.push(code) });
}

test("a signal stops everything and gives 0, or 1 where a step failed; the listeners are gone then", async () => {
  for (const [fails, code] of [
    [false, 0],
    [true, 1],
  ] as const) {
    const lifecycle = createLifecycle(recordingLog());
    const source = fakeProcess();
    lifecycle.onStop("step", () => {
      if (fails) throw new Error("no");
    });
    const ended = runUntilSignal(lifecycle, { log: recordingLog(), source });
    source.emit("SIGTERM");
    expect(await ended).toBe(code);
    expect(source.eventNames()).toEqual([]);
    expect(source.exits).toEqual([]);
  }
});

test("a second signal counts from two seconds on: a process group gets one signal several times", async () => {
  const lifecycle = createLifecycle(recordingLog());
  const source = fakeProcess();
  const { promise: release, resolve } = Promise.withResolvers<void>();
  let nowMs = 5;
  lifecycle.onStop("slow", () => release);
  const ended = runUntilSignal(lifecycle, { source, nowMs: () => nowMs });
  source.emit("SIGTERM");
  for (const [signal, atMs] of [
    ["SIGTERM", 6],
    ["SIGINT", 900],
    ["SIGHUP", 2_004],
  ] as const) {
    nowMs = atMs;
    source.emit(signal);
  }
  expect(source.exits).toEqual([]);
  nowMs = 2_005;
  source.emit("SIGINT");
  expect(source.exits).toEqual([130]);
  resolve();
  await ended;
});

test("a stop from inside ends the waiting as well", async () => {
  const lifecycle = createLifecycle(recordingLog());
  const ended = runUntilSignal(lifecycle, { source: fakeProcess() });
  await lifecycle.stop("told to");
  expect(await ended).toBe(0);
});

test("a lifecycle that has stopped already ends the waiting at once", async () => {
  const lifecycle = createLifecycle(recordingLog());
  await lifecycle.stop("early");
  expect(await runUntilSignal(lifecycle, { source: fakeProcess() })).toBe(0);
});

test("a crash is logged and exits with 1", () => {
  const log = recordingLog();
  const source = fakeProcess();
  void runUntilSignal(createLifecycle(log), { log, source });
  source.emit("uncaughtException", new Error("boom"));
  expect(source.exits).toEqual([1]);
  expect(log.fatals).toEqual([{ err: expect.objectContaining({ message: "boom" }) }]);
});

/** A real process that runs until a signal; `step` is the body of its stop step. */
function startProcess(step: string, crash = "") {
  const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const program = `
    import { createLog } from ${url("./log.ts")};
    import { createLifecycle, runUntilSignal } from ${url("./lifecycle.ts")};
    const log = createLog({ service: "s" });
    const lifecycle = createLifecycle(log);
    const keepAlive = setInterval(() => {}, 1000);
    lifecycle.onStop("step", async () => { ${step} });
    const ended = runUntilSignal(lifecycle, { log });
    process.once("SIGUSR2", () => { ${crash} });
    log.info("up");
    const code = await ended;
    clearInterval(keepAlive);
    process.exitCode = code;`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  const closed = once(child, "close");
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  const logged = async (message: string): Promise<void> => {
    while (!text.includes(`"msg":"${message}"`)) await once(child.stdout, "data");
  };
  return { child, closed, logged, text: () => text };
}

test("a real process stops on SIGTERM, says so, and ends with 0", async () => {
  const { child, closed, logged } = startProcess("log.info('stepped');");
  await logged("up");
  child.kill("SIGTERM");
  await logged("stopped");
  expect(await closed).toEqual([0, null]);
});

test("a real process that hangs on its way down ends at the second signal, after some seconds", async () => {
  const body =
    "log.info('hanging'); await new Promise((r) => setTimeout(r, 2_050)); log.info('still'); await new Promise(() => {});";
  const { child, closed, logged } = startProcess(body);
  await logged("up");
  child.kill("SIGTERM");
  await logged("hanging");
  child.kill("SIGTERM");
  await logged("still");
  child.kill("SIGTERM");
  expect(await closed).toEqual([143, null]);
});

test.each([
  ["an uncaught exception", "throw new Error('refused sk-abcdef123456');"],
  ["an unhandled rejection", "void Promise.reject(new Error('refused sk-abcdef123456'));"],
])("a real process that crashes by %s logs it without the key, and ends with 1", async (_, crash) => {
  const { child, closed, logged, text } = startProcess("", crash);
  await logged("up");
  child.kill("SIGUSR2");
  expect(await closed).toEqual([1, null]);
  const fatal = text()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .at(-1);
  expect(fatal).toMatchObject({ level: "fatal", err: { message: "refused [redacted]" } });
});
