import { expect, test } from "vitest";
import { noUsage, readOpenaiUsage } from "./openai-usage.ts";

test("a count that cannot be one counts as none, so that the request can be settled", () => {
  const counts = [1e17, 1e300, Number.POSITIVE_INFINITY, Number.NaN, -1, "7", null, {}];
  for (const prompt_tokens of counts) {
    expect(readOpenaiUsage({ prompt_tokens, completion_tokens: 5 })).toEqual({ ...noUsage, outputTokens: 5n });
  }
});
