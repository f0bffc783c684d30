import { execFileSync, type IOType, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { createOutput } from "./log-output.ts";

function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}

/** A reader that answers each write by the next of `answers`: bytes that it takes, or an error; in the end it takes all. */
function reader(answers: readonly (number | string)[]) {
  let text = "";
  let calls = 0;
  let paused = 0;
  const take = (bytes: Uint8Array): number => {
    const answer = answers[calls++] ?? bytes.length;
    if (typeof answer === "string") throw systemError(answer);
    text += Buffer.from(bytes.subarray(0, answer)).toString("latin1");
    return Math.min(answer, bytes.length);
  };
  return {
    text: () => text,
    calls: () => calls,
    paused: () => paused,
    writeSync: take,
    write(bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void) {
      setImmediate(() => {
        try {
          done(null, take(bytes));
        } catch (error) {
          done(error as NodeJS.ErrnoException, 0);
        }
      });
    },
    pause(ms: number) {
      paused += ms;
    },
  };
}

const answer = fc.oneof(fc.integer({ min: 1, max: 9_000 }), fc.constantFrom("EAGAIN", "EBUSY", "ENOSPC", "EDQUOT"));

describe("an output", () => {
  test.each([true, false])(
    "writes every line once and in order, whatever the reader takes (another thread: %s)",
    async (blocks) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.string({ maxLength: 3_000 }), { maxLength: 12 }),
          fc.array(answer, { maxLength: 20 }),
          async (texts, answers) => {
            const lines = texts.map((line) => `${Buffer.from(line).toString("hex")}\n`);
            const fake = reader(answers);
            const output = createOutput(blocks, fake);
            for (const line of lines) output.write(line);
            // Each try meets one error at most.
            for (let tries = 0; tries <= answers.length; tries++) {
              output.flush();
              for (let turn = 0; turn < 8; turn++) await new Promise(setImmediate);
              if (fake.text().length === lines.join("").length) break;
            }
            for (let tries = 0; tries <= answers.length; tries++) output.flushSync();
            expect(fake.text()).toBe(lines.join(""));
          },
        ),
        { numRuns: 60 },
      );
    },
  );

  test.each(["EPIPE", "ECONNRESET", "EIO", "EBADF"])("writes nothing more once the reader is gone: %s", (code) => {
    const fake = reader([code]);
    const output = createOutput(false, fake);
    output.write("a line\n");
    output.flushSync();
    output.write("another\n");
    output.flushSync();
    expect([fake.calls(), fake.text()]).toEqual([1, ""]);
  });

  test.each(["EAGAIN", "ENOSPC", "EPIPE", "EIO", "EINVAL"])("ends its last flush on lasting %s", (code) => {
    const fake = reader(Array.from({ length: 1_000 }, () => code));
    const output = createOutput(false, fake);
    output.write("a line\n");
    output.flushSync();
    expect(fake.paused()).toBeLessThan(2_000);
    expect(fake.calls()).toBeLessThan(200);
  });

  test("lets go of whoever waits for a reader that takes nothing", async () => {
    const output = createOutput(false, reader(Array.from({ length: 1_000 }, () => "EAGAIN")));
    output.write("a line\n");
    await new Promise<void>((resolve) => output.flush(resolve));
  });
});

const program = `
  import { createLog } from ${JSON.stringify(new URL("./log.ts", import.meta.url).href)};
  import { createLogOutput, tell } from ${JSON.stringify(new URL("./log-output.ts", import.meta.url).href)};
  import { createLifecycle, runUntilSignal } from ${JSON.stringify(new URL("./lifecycle.ts", import.meta.url).href)};
  const log = createLog({ service: "s", destination: createLogOutput() });
  const lifecycle = createLifecycle(log);
  const keepAlive = setInterval(() => {}, 1000);
  const ended = runUntilSignal(lifecycle, { log });
  process.on("message", (what) => {
    if (what === "fill") for (let i = 0; i < 2_000; i++) log.info({ pad: "x".repeat(1_000) }, "line");
    if (what === "tell") tell("ready\\n");
    if (what === "crash") setImmediate(() => { throw new Error("a crash"); });
    else setTimeout(() => process.send(what), 250);
  });
  process.send("up");
  process.exitCode = await ended;
  clearInterval(keepAlive);
  process.disconnect();`;

/** A process whose standard output is `stdout`, and what cuts that. */
async function start(stdout: IOType | number) {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", stdout, stdout === "pipe" ? "pipe" : "ignore", "ipc"],
  });
  const closed = once(child, "exit");
  await once(child, "message");
  return {
    child,
    closed,
    async ask(what: string) {
      child.send(what);
      await once(child, "message");
    },
  };
}

/** A pipe of the system; Node's own are sockets. */
function fifo() {
  const folder = mkdtempSync(join(tmpdir(), "throughline-pipe-"));
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY);
  rmSync(folder, { recursive: true });
  return { readEnd, writeEnd };
}

const endings: readonly [string, number][] = [
  ["crash", 1],
  ["SIGTERM", 0],
];

describe("a process", () => {
  const cases = ["nobody reads", "the reader is gone"].flatMap((state) =>
    ["socket", "pipe"].flatMap((kind) => endings.map(([ending, code]) => [kind, state, ending, code] as const)),
  );
  test.concurrent.each(cases)(
    "of whose %s %s ends by %s",
    async (kind, state, ending, code) => {
      const pipe = kind === "pipe" ? fifo() : undefined;
      const { child, closed, ask } = await start(pipe?.writeEnd ?? "pipe");
      if (pipe !== undefined) closeSync(pipe.writeEnd);
      if (state === "the reader is gone") {
        child.stdout?.destroy();
        child.stderr?.destroy();
        if (pipe !== undefined) closeSync(pipe.readEnd);
      }
      for (const what of ["tell", "fill"]) await ask(what);
      if (ending === "crash") child.send("crash");
      else child.kill("SIGTERM");
      expect(await closed).toEqual([code, null]);
      if (pipe !== undefined && state === "nobody reads") closeSync(pipe.readEnd);
    },
    15_000,
  );

  test.runIf(process.platform === "linux").concurrent.each(endings)(
    "whose disk is full ends by %s",
    async (ending, code) => {
      const full = openSync("/dev/full", "w");
      const { child, closed, ask } = await start(full);
      closeSync(full);
      await ask("fill");
      if (ending === "crash") child.send("crash");
      else child.kill("SIGTERM");
      expect(await closed).toEqual([code, null]);
    },
    15_000,
  );
});

test("nothing wakes a process that says nothing; what it says goes out soon after", () => {
  vi.useFakeTimers();
  try {
    const written: string[] = [];
    const output = createOutput(false, {
      write: () => undefined,
      writeSync: (bytes) => {
        written.push(Buffer.from(bytes).toString());
        return bytes.length;
      },
      pause: () => undefined,
    });
    expect(vi.getTimerCount()).toBe(0);
    output.write("a\n");
    output.write("b\n");
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(100);
    expect(written).toEqual(["a\nb\n"]);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
