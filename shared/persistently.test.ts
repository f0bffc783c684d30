import { expect, test } from "vitest";
import { ThroughlineError } from "./errors/error.ts";
import { persistently } from "./persistently.ts";

const away = () => new ThroughlineError("service_unavailable", "It is away.");

/** Work that fails so often with such an error, and how often it was done. */
function failing(failures: number, error: () => Error) {
  const done = { times: 0 };
  const work = async () => {
    done.times += 1;
    if (done.times <= failures) throw error();
    return done.times;
  };
  return { done, work };
}

test("work that succeeds is done once", async () => {
  const { work } = failing(0, away);
  await expect(persistently(work)).resolves.toBe(1);
});

test("what a service that is away refuses is done again, and no more often than it must be", async () => {
  const { work, done } = failing(2, away);
  await expect(persistently(work)).resolves.toBe(3);
  expect(done.times).toBe(3);
});

test("what no repetition would change is not done again", async () => {
  const { work, done } = failing(1, () => new ThroughlineError("invalid_value", "It is wrong."));
  await expect(persistently(work)).rejects.toMatchObject({ code: "invalid_value" });
  expect(done.times).toBe(1);
});
