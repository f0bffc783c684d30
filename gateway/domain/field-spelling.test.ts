import { expect, test } from "vitest";
import { spellingOf } from "./field-spelling.ts";

const spelling = spellingOf(["model", "n", "max_tokens", "service_tier", "tools", "thinking"]);

test.each(["Model", "N", "MAX_TOKENS", "Service_Tier", "tool\u017f", "thin\u212aing", "Speed"])("finds %s", (name) => {
  expect(spelling.misspelt(["model", "n", name])).toBe(name);
});

test("lets the fields themselves and unknown names pass", () => {
  expect(spelling.misspelt(["model", "n", "max_tokens", "Metadata", "maxTokens", "x_N", ""])).toBeUndefined();
});
