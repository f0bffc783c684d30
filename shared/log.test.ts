import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { createLineWriter, createLog, flushLog, type LogOptions } from "./log.ts";

interface Line extends Record<string, unknown> {
  err?: Record<string, unknown>;
}

function captured(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({ service: "billing", destination: { write: (line) => lines.push(line) }, ...options });
  const taken = () => lines.splice(0).join("");
  return { log, raw: () => lines.join(""), taken, last: (): Line => JSON.parse(lines.at(-1) ?? "null") };
}

test("a line has ISO time, the level as a word, the service, and the fields passed with it", () => {
  const { log, last } = captured();
  log.warn({ request_id: "767212140985061376", trace_id: "0".repeat(31).concat("1") }, "slow");
  expect(last()).toEqual({
    level: "warn",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    service: "billing",
    request_id: "767212140985061376",
    trace_id: "00000000000000000000000000000001",
    msg: "slow",
  });
});

test("each line has the time at which it was written, whatever came before it", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const { log, last } = captured();
    for (const ms of [1_000, 1_000, 1_001, 999]) {
      vi.setSystemTime(ms);
      log.info("a line");
      expect(last().time).toBe(new Date(ms).toISOString());
    }
  } finally {
    vi.useRealTimers();
  }
});

test("a line of a message that has a writer is the line of the log itself", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const value = fc.oneof(
      fc.string({ unit: "binary", maxLength: 150 }),
      fc.constantFrom("sk-0123456789abcdef", 'a "quoted" text', "https://user:password@host/?key=0123456789"),
      // Looks like a key, but for what stands before it; an ID in its other spelling; a key of hexadecimal digits.
      fc.constantFrom("767212140985061376", "20250428022708abcdefgh", "0af7651916cd43dd", "AIzaabcdefghijklmnopqrstu"),
      fc.double(),
      fc.boolean(),
      fc.constant(undefined),
    );
    const fields = (names: readonly string[]) =>
      fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });
    // What lines have in common comes again and again, so that most lines are made of what is remembered.
    const linesOf = (own: readonly string[], common: readonly string[]) =>
      fc.array(fields(common), { minLength: 1, maxLength: 3 }).chain((commons) =>
        fc.record({
          names: fc.constant({ own, common }),
          lines: fc.array(fc.record({ own: fields(own), common: fc.constantFrom(...commons) }), { minLength: 1 }),
        }),
      );
    const message = fc
      .tuple(
        fc.uniqueArray(fc.constantFrom("a", "route", "api_key", "error_code", "request_id", '"'), { minLength: 2 }),
        fc.nat(),
      )
      .chain(([names, cut]) => {
        const at = cut % (names.length + 1);
        return linesOf(names.slice(at), names.slice(0, at));
      });
    const { log, taken } = captured();
    fc.assert(
      fc.property(message, fc.constantFrom("info", "warn", "debug"), ({ names, lines }, level) => {
        const write = createLineWriter(log, "request", names);
        for (const { own, common } of lines) {
          log[level]({ ...own, ...common }, "request");
          const usual = taken();
          write(level, own, common);
          const written = taken();
          expect(written === "" ? undefined : JSON.parse(written)).toEqual(
            usual === "" ? undefined : JSON.parse(usual),
          );
          expect(written.indexOf("\n")).toBe(written.length - 1);
        }
      }),
      { numRuns: 300 },
    );
  } finally {
    vi.useRealTimers();
  }
});

test("a request ID may be passed as bigint and keeps all its digits", () => {
  const { log, raw } = captured();
  log.info({ request_id: 767212140985061377n }, "x");
  expect(raw()).toContain('"request_id":"767212140985061377"');
});

test("levels below the chosen one are left out", () => {
  const { log, raw } = captured({ level: "error" });
  log.warn("quiet");
  expect(raw()).toBe("");
});

test("no secret is written: neither by field, nor by depth, nor in text, nor in an error, its stack or its cause", () => {
  const { log, raw } = captured();
  const secret = "sk-live-0123456789abcdef";
  log.info(
    {
      headers: { authorization: `Bearer ${secret}`, "x-api-key": "opaque-one" },
      deep: [{ a: { apiKey: "opaque-two" } }],
    },
    "x",
  );
  log.info(`the key ${secret} was refused`);
  log.child({ token: secret }).info("child");
  const cause = new Error("postgres://tl:opaque-three@db/x refused");
  log.error({ err: new Error(`upstream said: ${secret}`, { cause }) }, "failed");
  log.error(Object.assign(new Error("with baggage"), { request: { headers: { cookie: "opaque-four" } } }));
  expect(raw()).not.toContain(secret);
  expect(raw()).not.toMatch(/opaque-(one|two|three|four)/);
  for (const line of raw().trim().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
});

test("an error shows type, message, code, stack and causes, and nothing else that hangs on it", () => {
  const { log, last } = captured();
  const cause = Object.assign(new TypeError("inner"), { code: "ECONNREFUSED" });
  log.error({ err: Object.assign(new Error("outer", { cause }), { body: "payload" }) }, "failed");
  expect(last().err).toEqual({
    type: "Error",
    message: "outer",
    stack: expect.stringContaining("Error: outer"),
    cause: { type: "TypeError", message: "inner", code: "ECONNREFUSED", stack: expect.any(String) },
  });
});

test.each([
  [() => "just text", { type: "string", message: "just text" }],
  [() => undefined, undefined],
  [() => null, { type: "object", message: "null" }],
  [() => 10n, { type: "bigint", message: "a value that cannot be shown" }],
])("whatever is thrown can be logged", (thrown, shown) => {
  const { log, last } = captured();
  log.error({ err: thrown() }, "failed");
  expect(last().err).toEqual(shown);
});

test("causes that go in a circle end", () => {
  const { log, last } = captured();
  const error = new Error("round");
  error.cause = error;
  log.error({ err: error }, "failed");
  expect(JSON.stringify(last()).match(/"message":"round"/g)).toHaveLength(5);
});

/** Runs a program that logs to standard output through the asynchronous destination; gives what came out and how it ended. */
async function run(body: string): Promise<{ lines: Line[]; code: number | null }> {
  const url = new URL("./log.ts", import.meta.url).href;
  const program = `import { createLog, flushLog } from ${JSON.stringify(url)}; const log = createLog({ service: "s" }); ${body}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: ["ignore", "pipe", "ignore"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  const [code] = await once(child, "close");
  return {
    lines: text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
    code,
  };
}

test.each([
  ["a natural end", "", 0],
  ["process.exit", "process.exit(3);", 3],
  ["an uncaught exception", "throw new Error('boom');", 1],
  ["an unhandled rejection", "Promise.reject(new Error('boom')); await new Promise(() => {});", 1],
])("every line is out after %s", async (_, end, code) => {
  const result = await run(`for (let i = 0; i < 2000; i++) log.info({ i, pad: "x".repeat(200) }, "line"); ${end}`);
  expect(result.code).toBe(code);
  expect(result.lines.map((line) => line.i)).toEqual(Array.from({ length: 2000 }, (_, i) => i));
});

test("flushLog waits for the lines", async () => {
  const { lines } = await run("log.info('one'); await flushLog(log); process.kill(process.pid, 'SIGKILL');");
  expect(lines.map((line) => line.msg)).toEqual(["one"]);
});

test("a reader that stalls does not fill the memory: lines are dropped beyond a bound", async () => {
  const url = new URL("./log.ts", import.meta.url).href;
  const program = `
    import { createLog } from ${JSON.stringify(url)};
    const log = createLog({ service: "s" });
    const pad = "x".repeat(10_000);
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 20_000; i++) { log.info({ pad }, "line"); if (i % 500 === 0) await new Promise(setImmediate); }
    process.send(process.memoryUsage().rss - before, () => process.kill(process.pid, "SIGKILL"));`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const [grownBytes] = await once(child, "message");
  // 200 MB were logged and nobody read.
  expect(grownBytes).toBeLessThan(120 * 1024 * 1024);
});

test("flushLog on a destination without a buffer returns at once", async () => {
  await flushLog(captured().log);
});
