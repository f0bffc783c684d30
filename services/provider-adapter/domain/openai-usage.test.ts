import { expect, test } from "vitest";
import { latencyCheckpoint } from "./latency.ts";
import { noUsage, readOpenaiUsage, writeOpenaiUsage } from "./openai-usage.ts";

test("a count that cannot be one counts as none, so that the request can be settled", () => {
  const counts = [1e17, 1e300, Number.POSITIVE_INFINITY, Number.NaN, -1, "7", null, {}];
  for (const prompt_tokens of counts) {
    expect(readOpenaiUsage({ prompt_tokens, completion_tokens: 5 })).toEqual({ ...noUsage, outputTokens: 5n });
  }
});

test.each([
  ["in the completion, as OpenAI counts", { completion_tokens: 103, total_tokens: 135 }],
  ["beside the completion, as xAI counts", { completion_tokens: 9, total_tokens: 135 }],
])("reasoning %s, is counted once", (_name, counts) => {
  const given = { prompt_tokens: 32, completion_tokens_details: { reasoning_tokens: 94 }, ...counts };
  const usage = readOpenaiUsage(given);
  expect(usage).toEqual({ ...noUsage, inputTokens: 32n, outputTokens: 9n, reasoningTokens: 94n });
  const latency = latencyCheckpoint({ sentUs: 0, firstByteUs: 0, firstContentUs: 0, lastByteUs: 0, nowUs: 0 }, 0);
  expect(writeOpenaiUsage(usage, given, latency)).toMatchObject({
    prompt_tokens: 32,
    completion_tokens: 103,
    total_tokens: 135,
    completion_tokens_details: { reasoning_tokens: 94 },
  });
});
