import { afterAll, beforeAll, expect, test } from "vitest";
import { StoreResponse } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { account, ended, example, startTestHistory } from "./testing.ts";

/* What clients sent for answers that can be gone on from. */

let history: Awaited<ReturnType<typeof startTestHistory>>;
beforeAll(async () => {
  history = await startTestHistory({ config: { maxResponseBytes: 4_096 } });
});
afterAll(() => history?.[Symbol.asyncDispose]());

const owner = { accountId: account };
const image = `data:image/png;base64,iVBORw0KGgo${"A".repeat(1_000)}`;
const input = Buffer.from(
  JSON.stringify({ items: [{ role: "user", content: [{ type: "input_image", image_url: image }] }] }),
);
let next = example.requestId;

async function keptOf(more: Parameters<typeof ended>[1]): Promise<string> {
  const requestId = next++;
  await history.record(ended(requestId, { response: Buffer.from("{}"), ...more }));
  const { record } = await history.client.getRecord({ owner, requestId }, history.options);
  return Buffer.from(record?.record?.input ?? []).toString();
}

test("comes back as it was, its images too", async () => {
  expect(await keptOf({ input })).toBe(input.toString());
  expect(await keptOf({ input, storeResponse: StoreResponse.FULL })).toBe(input.toString());
});

test.each([StoreResponse.TRUNCATED, StoreResponse.NONE])(
  "is not kept where the account keeps %s of answers",
  async (storeResponse) => {
    expect(await keptOf({ input, storeResponse })).toBe("");
  },
);

test("is never cut: what is too large, or no text, is kept without its items", async () => {
  const large = Buffer.from(JSON.stringify({ items: ["a".repeat(5_000)] }));
  expect(await keptOf({ input: large })).toBe('{"items":null}');
  expect(await keptOf({ input: Buffer.from([0x7b, 0xff, 0x7d]) })).toBe('{"items":null}');
});

test("goes with its record, and no list or export shows it", async () => {
  const requestId = next++;
  await history.record(ended(requestId, { response: Buffer.from("{}"), input }));
  const listed = await history.client.listRecords({ owner, withPayload: true, limit: 100 }, history.options);
  expect(listed.records.find(({ record }) => record?.requestId === requestId)?.record?.input).toHaveLength(0);
  const exported = await history.client.exportRecords({ owner, limit: 1_000 }, history.options);
  expect(exported.records.find(({ record }) => record?.requestId === requestId)?.record?.input).toHaveLength(0);
  await history.client.deleteRecords({ owner, requestIds: [requestId] }, history.options);
  await expect(history.client.getRecord({ owner, requestId }, history.options)).rejects.toMatchObject({
    code: "not_found",
  });
});
