import { expect, test } from "vitest";
import {
  ConfigError,
  envBool,
  envChoice,
  envDurationMs,
  envInt,
  envList,
  envNumber,
  envString,
  envUrl,
  readEnv,
} from "./config.ts";

function problemOf(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("no ConfigError was thrown");
}

test("an unset or empty variable takes the fallback, and is refused by name where there is none", () => {
  expect(envString({ A: "x" }, "A")).toBe("x");
  expect(envString({ A: " " }, "A", "y")).toBe("y");
  expect(envInt({}, "A", { fallback: 3 })).toBe(3);
  expect(envBool({ A: "" }, "A", false)).toBe(false);
  const error = problemOf(() => envString({}, "DATABASE_URL"));
  expect(error.variable).toBe("DATABASE_URL");
  expect(error.message).toBe("DATABASE_URL must be set");
});

test.each([
  ["12", 12],
  ["-1", -1],
])("%s is a whole number", (text, value) => {
  expect(envInt({ N: text }, "N")).toBe(value);
});

test.each(["1.5", "0x10", "1e3", "9007199254740993", "twelve", "Infinity", "1 2"])(
  "%s is not a whole number",
  (text) => {
    expect(problemOf(() => envInt({ N: text }, "N")).message).toContain("N must be a whole number");
  },
);

test("bounds are inclusive and named in the message", () => {
  expect(envInt({ N: "1" }, "N", { min: 1, max: 1 })).toBe(1);
  expect(problemOf(() => envInt({ N: "0" }, "N", { min: 1 })).message).toBe("N must be at least 1, not 0");
  expect(problemOf(() => envInt({ N: "70000" }, "N", { max: 65535 })).message).toBe(
    "N must be at most 65535, not 70000",
  );
  expect(envNumber({ N: ".25" }, "N", { min: 0, max: 1 })).toBe(0.25);
  expect(problemOf(() => envNumber({ N: "NaN" }, "N")).message).toContain("must be a number");
});

test.each([
  ["250ms", 250],
  ["30s", 30_000],
  ["1.5m", 90_000],
  ["2h", 7_200_000],
  ["7d", 604_800_000],
  ["1500", 1500],
])("%s is %d ms", (text, ms) => {
  expect(envDurationMs({ D: text }, "D")).toBe(ms);
});

test.each(["5 s", "-5s", "5w", "s"])("%s is no duration", (text) => {
  expect(problemOf(() => envDurationMs({ D: text }, "D")).message).toContain("D must be a duration");
});

test("booleans, choices and lists", () => {
  expect(["TRUE", "1", "yes", "On"].map((text) => envBool({ B: text }, "B"))).toEqual([true, true, true, true]);
  expect(["false", "0", "no", "off"].map((text) => envBool({ B: text }, "B"))).toEqual([false, false, false, false]);
  expect(problemOf(() => envBool({ B: "maybe" }, "B")).message).toBe('B must be true or false, not "maybe"');
  expect(envChoice({ C: "stamped" }, "C", ["decimal", "stamped"])).toBe("stamped");
  expect(problemOf(() => envChoice({ C: "hex" }, "C", ["decimal", "stamped"])).message).toBe(
    'C must be one of decimal, stamped, not "hex"',
  );
  expect(envList({ L: " a, ,b " }, "L")).toEqual(["a", "b"]);
});

test("a bad URL is refused without repeating it: it may hold a password", () => {
  expect(envUrl({ U: "postgres://u:hunter2@db/x" }, "U")).toBe("postgres://u:hunter2@db/x");
  const wrong = problemOf(() => envUrl({ U: "hunter2@db" }, "U"));
  const scheme = problemOf(() => envUrl({ U: "mysql://u:hunter2@db" }, "U", undefined, ["postgres", "postgresql"]));
  expect(wrong.message).toBe("U must be an absolute URL");
  expect(scheme.message).toBe("U must be a URL that starts with postgres:// or postgresql://");
});

test("readEnv copies: later changes of the process do not reach it", () => {
  const env = readEnv();
  expect(env.PATH).toBe(process.env.PATH);
  process.env.THROUGHLINE_CONFIG_TEST = "set later";
  expect(env.THROUGHLINE_CONFIG_TEST).toBeUndefined();
  delete process.env.THROUGHLINE_CONFIG_TEST;
});
