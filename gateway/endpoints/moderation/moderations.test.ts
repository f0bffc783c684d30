import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import type { Reservation, ReserveItem } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { each, secrets, startTestGateway, type TestGateway } from "../../testing.ts";

const path = "/v1/moderations";
const reserved: ReserveItem[] = [];
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    billing: {
      reserve: each<ReserveItem, Reservation>((item) => {
        reserved.push(item);
        return { reservedNanoUsd: 0n };
      }),
    },
  });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const image = (url: unknown) => ({ type: "image_url", image_url: { url } });
const png = "data:image/png;base64,iVBORw0KGgo=";

test.each<[string, unknown, number]>([
  ["a text", "abcdefgh", 16],
  ["texts", ["a".repeat(400), "b".repeat(400)], 300],
  ["parts", [{ type: "text", text: "abcd" }, image(png)], 2_402],
])("%s: goes to routing and is reserved for as a moderation", async (_name, input, tokens) => {
  expect((await gateway.call(path, { model: "m", input })).status).toBe(200);
  expect(gateway.resolved.at(-1)).toMatchObject({ module: Module.MODERATION, model: "m" });
  expect(reserved.at(-1)).toMatchObject({ module: Module.MODERATION, worstCase: { inputTokens: BigInt(tokens) } });
  await expect.poll(() => gateway.recorded.at(-1)?.dialect).toBe("openai.moderations");
});

test("a client that names no model has the API's own", async () => {
  await gateway.call(path, { input: "a" });
  expect(gateway.resolved.at(-1)?.model).toBe("omni-moderation-latest");
});

test("needs its scope", async () => {
  const headers = { authorization: `Bearer ${secrets.narrow}` };
  expect((await gateway.call(path, { input: "a" }, { headers })).status).toBe(403);
});

describe("a body that is not valid", () => {
  const refused: readonly [string, object, string, string][] = [
    ["no input", {}, "missing_required_field", "input"],
    ["an empty text", { input: "" }, "invalid_value", "input"],
    ["an empty list", { input: [] }, "invalid_value", "input"],
    ["a number", { input: 5 }, "invalid_value", "input"],
    ["an empty text among others", { input: ["a", ""] }, "invalid_value", "input[1]"],
    ["a number among texts", { input: ["a", 5] }, "invalid_value", "input[1]"],
    ["too many texts", { input: Array(2_049).fill("a") }, "invalid_value", "input"],
    ["a part without a text", { input: [{ type: "text" }] }, "missing_required_field", "input[0].text"],
    ["a part with an empty text", { input: [{ type: "text", text: "" }] }, "invalid_value", "input[0].text"],
    [
      "an image without an address",
      { input: [{ type: "image_url", image_url: {} }] },
      "missing_required_field",
      "input[0].image_url.url",
    ],
    ["an image with a number", { input: [image(5)] }, "invalid_value", "input[0].image_url.url"],
    ["a part of another type", { input: [{ type: "sound" }] }, "invalid_value", "input[0].type"],
    ["a part without a type", { input: [{ text: "a" }] }, "missing_required_field", "input[0].type"],
    ["texts and parts", { input: ["a", { type: "text", text: "b" }] }, "invalid_value", "input[1]"],
    ["a model that is a number", { model: 5, input: "a" }, "invalid_value", "model"],
  ];
  it.each(refused)("%s: %j -> %s at %s", async (_name, body, code, param) => {
    const held = reserved.length;
    const answer = await gateway.call(path, body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { code, param } });
    const requestId = BigInt(answer.headers.get("x-request-id") ?? 0);
    const recordOf = () => gateway.recorded.find((record) => record.requestId === requestId);
    await expect.poll(recordOf).toMatchObject({ module: Module.MODERATION, errorCode: code, httpStatus: 400 });
    expect(reserved).toHaveLength(held);
  });
});
