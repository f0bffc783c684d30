import { expect, test } from "vitest";
import { createCandidate, createInvokeItem, createPricing, createReserveItem } from "../gen/lane_codecs.ts";
import { ReserveItemSchema } from "../gen/throughline/billing/v1/billing_pb.ts";
import { InvokeItemSchema } from "../gen/throughline/provider/v1/provider_pb.ts";
import { decoderOf, encoderOf } from "./lanes.ts";

const write = encoderOf(ReserveItemSchema);
const read = decoderOf(ReserveItemSchema);
const pricing = (strategy: string) =>
  createPricing({ strategy, rates: [{ unit: 1, nanoUsd: 5n, when: { traits: { tier: "a" } } }] });
const reserving = (strategy: string) => write(createReserveItem({ model: "m", pricing: pricing(strategy) }));

test("prices that come again are one object that nobody can change", () => {
  const bytes = reserving("again");
  const [first, second, third] = [read(bytes), read(bytes), read(Buffer.from(bytes))];
  expect(Object.isFrozen(first.pricing), "what came once may never come again").toBe(false);
  expect(third.pricing).toBe(second.pricing);
  expect(third).not.toBe(second);
  expect(third).toEqual(first);
  const rate = third.pricing?.rates[0];
  for (const held of [third.pricing, third.pricing?.rates, rate, rate?.when, rate?.when?.traits]) {
    expect(Object.isFrozen(held)).toBe(true);
  }
});

test("what is kept of a batch does not keep the batch", () => {
  const batch = Buffer.alloc(1_000_000);
  const bytes = reserving("of a batch");
  batch.set(bytes, 500_000);
  const within = batch.subarray(500_000, 500_000 + bytes.length);
  read(within);
  const { pricing: known } = read(within);
  batch.fill(0);
  expect(read(bytes).pricing).toBe(known);
});

test("prices that differ in one digit are not taken for one another", () => {
  const all = Array.from({ length: 2_000 }, (_, n) => `strategy-${n}`);
  for (let round = 0; round < 3; round += 1) {
    for (const name of all) expect(read(reserving(name)).pricing?.strategy).toBe(name);
  }
});

test("a frozen message is written as any other, and one that may change as it is by then", () => {
  const frozen = read(reserving("frozen")).pricing;
  const again = read(reserving("frozen")).pricing;
  expect(write(createReserveItem({ pricing: again })).equals(write(createReserveItem({ pricing: frozen })))).toBe(true);
  const changing = pricing("before");
  const outside = Object.freeze({ ...changing, rates: [...changing.rates] });
  const before = write(createReserveItem({ pricing: outside }));
  outside.rates.pop();
  expect(write(createReserveItem({ pricing: outside })).length).toBeLessThan(before.length);
});

test("a candidate holds the prices that are known", () => {
  const bytes = encoderOf(InvokeItemSchema)(
    createInvokeItem({ candidates: [createCandidate({ channel: "c", pricing: pricing("shared") })] }),
  );
  const decode = decoderOf(InvokeItemSchema);
  for (let time = 0; time < 2; time += 1) decode(bytes);
  const [candidate] = decode(bytes).candidates;
  expect(decode(bytes).candidates[0]).toBe(candidate);
  read(reserving("shared"));
  expect(read(reserving("shared")).pricing).toBe(candidate?.pricing);
});
