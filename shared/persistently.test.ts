import { expect, test } from "vitest";
import { ThroughlineError } from "./errors/error.ts";
import { persistently } from "./persistently.ts";

const away = () => new ThroughlineError("service_unavailable", "It is away.");

/** Work that fails so often with such an error, and the times at which it was done. */
function failing(failures: number, error: () => Error) {
  const atMs: number[] = [];
  const work = async () => {
    atMs.push(performance.now());
    if (atMs.length <= failures) throw error();
    return atMs.length;
  };
  return { atMs, work };
}

test("work that succeeds is done once", async () => {
  const { work } = failing(0, away);
  await expect(persistently(work)).resolves.toBe(1);
});

test("what a service that is away refuses is done again after a pause, and no more often than it must be", async () => {
  const { work, atMs } = failing(2, away);
  await expect(persistently(work)).resolves.toBe(3);
  const [first = 0, second = 0] = atMs;
  expect(second - first).toBeGreaterThan(0);
  expect(atMs).toHaveLength(3);
});

test("what no repetition would change is not done again", async () => {
  const { work, atMs } = failing(1, () => new ThroughlineError("invalid_value", "It is wrong."));
  await expect(persistently(work)).rejects.toMatchObject({ code: "invalid_value" });
  expect(atMs).toHaveLength(1);
});
