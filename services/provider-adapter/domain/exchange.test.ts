import { expect, it } from "vitest";
import { noUsage } from "../../../shared/money/usage.ts";
import { wholeExchange } from "./exchange.ts";

it("makes no stream of what is answered whole", () => {
  const facts = { usage: { ...noUsage, estimated: false }, finishReason: "", messageId: "", responseModel: "" };
  const exchange = wholeExchange({
    message: { path: "/embeddings", headers: {}, body: Buffer.from("{}") },
    notes: [],
    whole: (body) => ({ ...facts, body }),
  });
  expect(() => exchange.stream()).toThrow("has no stream");
});
