import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { testPostgres } from "../../shared/db/testing.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { SettleCase } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { beginTestJob, startTestJobs } from "./testing.ts";
import { type Answer, createWorld } from "./testing-world.ts";

/*
 * Whatever a vendor says, whatever fails and however often jobs is started anew: each job comes to an end, which is settled as
 * it is recorded, and never in two ways.
 */

const running: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({
    state: fc.constantFrom("queueing" as const, "processing" as const, "unknown" as const),
    word: fc.constant("w"),
  }),
  fc.constant("lost" as const),
  fc.record({ error: fc.constantFrom("upstream_error" as const, "upstream_timeout" as const) }),
);
const ending: fc.Arbitrary<Answer> = fc.oneof(
  fc.constant({ state: "succeeded" as const }),
  fc.record({
    state: fc.constant("failed" as const),
    failure: fc.record({
      code: fc.constantFrom("upstream_error" as const, "content_filtered" as const, "expired" as const),
      message: fc.constant("no"),
    }),
  }),
);
/** Answers of a vendor to one job after its start, and whether the first calls that settle and record it fail. */
const life = fc.record({
  polls: fc.array(running, { maxLength: 4 }),
  end: ending,
  faults: fc.array(fc.constantFrom("settle before", "settle after", "record before", "record after"), { maxLength: 2 }),
});

test("every job ends once, whatever fails", { timeout: 60_000 }, async () => {
  await using undo = new AsyncDisposableStack();
  const postgres = undo.use(await testPostgres());
  await fc.assert(
    fc.asyncProperty(
      fc.array(life, { minLength: 50, maxLength: 50 }),
      fc.integer({ min: 0, max: 2 }),
      async (lives, restarts) => {
        const world = createWorld();
        const faults = lives.flatMap((one) => one.faults);
        world.fault = (service, before) => {
          const at = faults.indexOf(`${service} ${before ? "before" : "after"}` as (typeof faults)[number]);
          if (at < 0) return;
          faults.splice(at, 1);
          throw new ThroughlineError("service_unavailable", "away");
        };
        const byId = new Map<bigint, (typeof lives)[number]>();
        let jobs = await startTestJobs(postgres.url, world);
        try {
          world.vendor = () => ({ state: "queueing" });
          for (const one of lives) byId.set((await beginTestJob(jobs.client)).requestId, one);
          world.vendor = (action, count, requestId) => {
            const one = byId.get(requestId);
            return action === "cancel" || one === undefined ? "lost" : (one.polls[count - 1] ?? one.end);
          };
          world.asked.clear();
          for (let n = 0; n < restarts; n++) {
            await jobs.stop();
            jobs = await startTestJobs(postgres.url, world);
          }
          for (const [requestId, one] of byId) {
            const final = () => world.recorded.findLast((record) => record.requestId === requestId);
            while ((final()?.status ?? 0) < RecordStatus.SUCCEEDED) await delay(5);
            const succeeded = typeof one.end === "object" && "state" in one.end && one.end.state === "succeeded";
            const cases = world.settleCalls
              .filter((_, n) => world.settledIds[n] === requestId)
              .map((item) => item.case);
            expect(new Set(cases)).toEqual(new Set([succeeded ? SettleCase.SUCCEEDED : SettleCase.FAILED]));
            expect(final()?.status).toBe(succeeded ? RecordStatus.SUCCEEDED : RecordStatus.FAILED);
          }
        } finally {
          await jobs.stop();
        }
      },
    ),
    { numRuns: 2 },
  );
});
