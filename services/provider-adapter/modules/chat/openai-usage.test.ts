import { expect, test } from "vitest";
import { noUsage } from "../../../../shared/money/usage.ts";
import { latencyCheckpoint } from "../../domain/latency.ts";
import { usageOf } from "./neutral/usage.ts";
import { countsIn, writeOpenaiUsage } from "./openai-usage.ts";

const estimate = { input: () => 0, delivered: () => ({ visible: 0, thinking: 0 }) };

test.each([
  ["in the completion, as OpenAI counts", { completion_tokens: 103, total_tokens: 135 }],
  ["beside the completion, as xAI counts", { completion_tokens: 9, total_tokens: 135 }],
])("reasoning %s, is counted once", (_name, counts) => {
  const given = { prompt_tokens: 32, completion_tokens_details: { reasoning_tokens: 94 }, ...counts };
  const usage = usageOf(countsIn({ usage: given }), false, estimate);
  expect(usage).toEqual({ ...noUsage, inputTokens: 32n, outputTokens: 9n, reasoningTokens: 94n, estimated: false });
  const latency = latencyCheckpoint({ sentUs: 0, firstByteUs: 0, firstContentUs: 0, lastByteUs: 0, nowUs: 0 }, 0);
  expect(writeOpenaiUsage(usage, given, latency)).toMatchObject({
    prompt_tokens: 32,
    completion_tokens: 103,
    total_tokens: 135,
    completion_tokens_details: { reasoning_tokens: 94 },
  });
});
