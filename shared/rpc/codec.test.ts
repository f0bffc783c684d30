import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { RecordSchema, StoredRecordSchema } from "../gen/throughline/history/v1/history_pb.ts";
import { ProviderService } from "../gen/throughline/provider/v1/provider_pb.ts";
import { roughBytes, roughBytesInTurns, wireClientCodec } from "./codec.ts";
import { laneShape } from "./shape.ts";

test.each([1, 64, 65, 1_000])(
  "an answer of %i records weighs the same, in one go or in turns with others",
  async (length) => {
    const record = (n: number) =>
      create(StoredRecordSchema, {
        record: create(RecordSchema, { model: "m".repeat(n), response: new Uint8Array(n) }),
      });
    const answer = { $typeName: "x", hasMore: true, records: Array.from({ length }, (_, n) => record(n)) };
    let turns = 0;
    const counted = roughBytesInTurns(answer, async () => {
      turns++;
    });
    // A short answer costs no turn at all.
    expect(typeof counted).toBe(length > 64 ? "object" : "number");
    expect(await counted).toBe(roughBytes(answer));
    expect(turns).toBe(length > 64 ? length + 1 : 0);
  },
);

test("a payload that is held keeps no more than itself, of a message of any size", () => {
  const { hold } = wireClientCodec(laneShape(ProviderService.method.invoke));
  const message = Buffer.allocUnsafeSlow(1024 * 1024).fill("m");
  for (const bytes of [1_025, 4_109, 20_000, 70_000]) {
    const held = hold(message.subarray(100, 100 + bytes));
    expect(held.equals(message.subarray(100, 100 + bytes))).toBe(true);
    expect(held.buffer.byteLength).toBe(bytes);
  }
});
