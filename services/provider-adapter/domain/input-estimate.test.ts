import { expect, test } from "vitest";
import { estimateRequest } from "../../../shared/estimate/input.ts";
import { estimatedInput } from "./input-estimate.ts";

const request = {
  messages: [{ role: "user", content: [{ type: "document", source: { data: "A".repeat(3_000_000) } }] }],
};
const body = Buffer.from(JSON.stringify(request));

test("the estimate of the reservation is what is charged; a gateway that does not send it gets the same one", () => {
  expect(estimatedInput({ body, estimatedInputTokens: 17 })).toBe(17);
  expect(estimatedInput({ body, estimatedInputTokens: 0 })).toBe(estimateRequest(request).tokens);
  expect(estimateRequest(request).tokens).toBe(4 + 100_000);
  expect(estimatedInput({ body: Buffer.from("no JSON") })).toBe(0);
});
