import { expect, test } from "vitest";
import { messageBatches } from "../../adapters/anthropic/batches/index.ts";
import { openaiBatches } from "../../adapters/openai/batches/index.ts";

/* What vendors count is told where it can be read as a whole, and is no reason to doubt the rest where it cannot. */

const anthropic = messageBatches({ path: "/v1/messages", version: "2023-06-01" } as Parameters<
  typeof messageBatches
>[0]);
const ofOpenAi = (request_counts: unknown) => ({ id: "batch_1", status: "in_progress", request_counts });
const ofAnthropic = (request_counts: unknown) => ({ id: "msgbatch_1", processing_status: "ended", request_counts });
const none = { succeeded: 0, failed: 0, cancelled: 0, expired: 0 };

test.each([
  ["openai", { total: 9, completed: 5, failed: 2 }, { ...none, succeeded: 5, failed: 2 }],
  ["openai", { completed: 5 }, undefined],
  ["openai", { completed: -1, failed: 0 }, undefined],
  ["openai", { completed: "5", failed: 0 }, undefined],
  ["openai", { completed: 1_000_001, failed: 0 }, undefined],
  ["openai", null, undefined],
  [
    "anthropic",
    { processing: 0, succeeded: 1, errored: 2, canceled: 3, expired: 4 },
    { succeeded: 1, failed: 2, cancelled: 3, expired: 4 },
  ],
  ["anthropic", { processing: 9, succeeded: 0, errored: 0, canceled: 0, expired: 0 }, none],
  ["anthropic", { succeeded: 1, errored: 2, canceled: 3 }, undefined],
  ["anthropic", { succeeded: 0.5, errored: 0, canceled: 0, expired: 0 }, undefined],
  ["anthropic", [], undefined],
] as const)("%s: %j", (vendor, given, counts) => {
  const told = vendor === "openai" ? openaiBatches.tell(ofOpenAi(given)) : anthropic.tell(ofAnthropic(given));
  expect(told?.id).toMatch(/batch_1$/);
  expect(told?.counts).toEqual(counts);
});
