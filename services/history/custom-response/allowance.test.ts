import { describe, expect, test } from "vitest";
import { createAllowance, type Evaluation } from "./allowance.ts";

const usual: Evaluation = { accountId: 1n, expression: "a", bytes: 1_000 };

function allowanceAt() {
  const clock = { ms: 0 };
  return { clock, ...createAllowance(() => clock.ms) };
}

describe("the time of expressions", () => {
  test("is not lost to an account by another's slow answers, nor to small answers by large ones", () => {
    const { refusal, note, clock } = allowanceAt();
    const large = { ...usual, bytes: 1_000_000 };
    for (let n = 0; n < 3; n++) note(large, 100, false);
    expect(refusal(large)).toMatch(/too long/);
    expect(refusal({ ...large, bytes: 8_000_000 })).toMatch(/too long/);
    expect(refusal({ ...large, accountId: 2n })).toBeUndefined();
    expect(refusal({ ...large, expression: "b" })).toBeUndefined();
    expect(refusal(usual)).toBeUndefined();
    clock.ms = 60_000;
    expect(refusal(large)).toBeUndefined();
    note(large, 100, false);
    expect(refusal(large)).toMatch(/too long/);
  });

  test("comes back to an expression with one run in time", () => {
    const { refusal, note } = allowanceAt();
    for (let n = 0; n < 10; n++) {
      note(usual, 100, false);
      note(usual, 100, false);
      note(usual, 50, true);
    }
    expect(refusal(usual)).toBeUndefined();
  });

  test("of a minute is so much for an expression, and so much for all of an account", () => {
    const { refusal, note, clock } = allowanceAt();
    for (let n = 0; n < 50; n++) note(usual, 100, true);
    expect(refusal(usual)).toMatch(/expression has used its time/);
    expect(refusal({ ...usual, accountId: 2n })).toBeUndefined();
    const other = { ...usual, expression: "b" };
    expect(refusal(other)).toBeUndefined();
    for (let n = 0; n < 50; n++) note({ ...usual, expression: `c${n}` }, 100, false);
    expect(refusal(other)).toMatch(/account has used its time/);
    clock.ms = 60_000;
    expect([refusal(usual), refusal(other)]).toEqual([undefined, undefined]);
  });

  test("is remembered for a minute, not for ever", () => {
    const allowance = createAllowance(() => nowMs);
    let nowMs = 0;
    for (let n = 0; n < 5_000; n++) {
      nowMs += 100;
      allowance.note({ ...usual, accountId: BigInt(n), expression: `e${n}` }, 100, false);
    }
    // Three for each of the 600 of a minute; all together would be 15,000.
    expect(allowance.entries).toBeLessThan(3_000);
  });
});
