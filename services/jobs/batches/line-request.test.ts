import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  OriginSchema,
  type Pricing,
  PricingSchema,
  Unit,
  UsageSchema,
} from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { BatchLineSchema } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import { InvokeItemSchema, RequestFactsSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { costNanoUsd } from "../../../shared/money/cost.ts";
import { atVendorPrice, lineRequest } from "./line-request.ts";

/* A line is recorded and charged for whom it names; tags are those of its batch. */

const origin = create(OriginSchema, { path: "/v1/batches", metadataJson: '{"of":"the batch"}' });
const line = { endUser: "alice", metadataJson: '{"of":"the line"}' };

test.each([
  ["an API key's", { endUser: "batch" }, line, { endUser: "alice", userId: "" }],
  ["an API key's that names nobody", { endUser: "batch" }, {}, { endUser: "batch", userId: "" }],
  ["a back end's", { fromAppserver: true }, line, { endUser: "alice", userId: "alice" }],
  ["a user's own key's", { userId: "eve", endUser: "eve" }, line, { endUser: "eve", userId: "eve" }],
])("%s line", (_whose, given, said, expected) => {
  const facts = create(RequestFactsSchema, { ...given, tags: ["nightly"], origin });
  const row = { request_id: 5n, tries: 0 } as Parameters<typeof lineRequest>[0]["row"];
  const batch = { facts: toBinary(RequestFactsSchema, facts) } as Parameters<typeof lineRequest>[1];
  for (const item of [undefined, create(InvokeItemSchema, { facts })]) {
    const request = lineRequest({ row, said: create(BatchLineSchema, said), item }, batch, "openai.chat");
    expect(request.facts).toMatchObject({ ...expected, tags: ["nightly"] });
    expect(request.facts.origin).toMatchObject({
      path: "/v1/batches",
      metadataJson: said === line ? line.metadataJson : "",
    });
  }
  // Other lines share the facts of their route.
  expect(origin.metadataJson).toBe('{"of":"the batch"}');
});

describe("what a vendor answered in its batch", () => {
  const ofList = { groupRatioPpm: 400_000, listRatioPpm: 500_000 };
  const prices = {
    inputNanoUsdPerMtok: 2_000_000n,
    groupRatioPpm: 800_000,
    rates: [{ unit: Unit.SEARCHES, nanoUsd: 3n }],
  };
  const usage = { inputTokens: 10n, more: [{ unit: Unit.SEARCHES, amount: 4n }] };

  test.each([
    ["the vendor's own prices", { ...prices, isListPrice: true }, ofList, 16n],
    ["others", { ...prices, listPricing: { inputNanoUsdPerMtok: 5_000_000n } }, ofList, 25n],
    ["prices without a list", prices, ofList, undefined],
    [
      "a route from before lists had a price of batches",
      { ...prices, isListPrice: true },
      { groupRatioPpm: 400_000 },
      32n,
    ],
  ])("at %s is charged by its price, and has the list price of a batch", (_what, pricing, batch, listed) => {
    const [candidate] = atVendorPrice(create(InvokeItemSchema, { candidates: [{ pricing, batch }] })).candidates;
    const made = create(PricingSchema, candidate?.pricing);
    const cost = (at: Pricing, groupRatioPpm: number) =>
      costNanoUsd(create(UsageSchema, usage), { ...at, groupRatioPpm: groupRatioPpm || 1_000_000 });
    expect(cost(made, made.groupRatioPpm)).toBe(13n);
    const list = made.isListPrice ? create(PricingSchema, { ...made, groupRatioPpm: 0 }) : made.listPricing;
    expect(list && cost(list, list.groupRatioPpm)).toBe(listed);
  });
});
