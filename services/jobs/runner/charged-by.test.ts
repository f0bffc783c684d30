import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { Unit, UsageSchema } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { chargedBy } from "./charged-by.ts";

const length = (ms: bigint) => [{ unit: Unit.OUTPUT_VIDEO_MS, amount: ms }];
const started = toBinary(
  UsageSchema,
  create(UsageSchema, { more: length(4_000n), traits: { size: "1024x1792", resolution: "1024p" }, estimated: true }),
);

test("a vendor's figures have the price that the request picked", () => {
  const charged = chargedBy(started, create(UsageSchema, { more: length(8_000n) }));
  expect(charged && fromBinary(UsageSchema, charged)).toMatchObject({
    more: length(8_000n),
    traits: { size: "1024x1792", resolution: "1024p" },
    estimated: false,
  });
});

test("what the vendor says of the size goes before it", () => {
  const charged = chargedBy(started, create(UsageSchema, { more: length(8_000n), traits: { resolution: "480p" } }));
  expect(charged && fromBinary(UsageSchema, charged).traits).toMatchObject({ resolution: "480p" });
});

test("a vendor that says its cost alone has not said that the video has no length", () => {
  const cost = [{ unit: Unit.VENDOR_NANO_USD, amount: 500n }];
  const charged = chargedBy(started, create(UsageSchema, { more: cost }));
  expect(charged && fromBinary(UsageSchema, charged)).toMatchObject({
    more: expect.arrayContaining([
      expect.objectContaining({ unit: Unit.OUTPUT_VIDEO_MS, amount: 4_000n }),
      expect.objectContaining({ unit: Unit.VENDOR_NANO_USD, amount: 500n }),
    ]),
    estimated: true,
  });
});

test.each([undefined, create(UsageSchema), create(UsageSchema, { traits: { resolution: "480p" } })])(
  "what the start said stands where the vendor says no figure",
  (said) => expect(chargedBy(started, said)).toBeUndefined(),
);
