import { create } from "@bufbuild/protobuf";
import { expect, test, vi } from "vitest";
import { RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { OutcomeSchema } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { answering, startTestGateway } from "../testing.ts";
import { recordedAnswer } from "./recorded-answer.ts";

const megabyte = 1024 * 1024;
const whole = { demand: { answer: "json" }, keepsAnswer: true } as const;

test("an answer of usual size travels as it is, without another copy", () => {
  const body = Buffer.from('{"usage":{}}');
  expect(recordedAnswer(whole, { outcome: undefined, kept: [body] })).toEqual({
    response: body,
    truncated: false,
  });
});

test("of an answer that is not kept history has the document that the provider made of it", () => {
  const response = Buffer.from('{"object":"list"}');
  const outcome = create(OutcomeSchema, { response });
  const ask = { ...whole, keepsAnswer: false };
  expect(recordedAnswer(ask, { outcome, kept: [Buffer.from("as the client got it")] })).toEqual({
    response,
    truncated: false,
  });
});

test("a JSON answer of any size travels as a JSON document that fits a message", async () => {
  const kept = [
    Buffer.from('{"data":[{"b64_json":"'),
    ...Array.from({ length: 30 }, () => Buffer.alloc(megabyte, "A")),
    Buffer.from('"}],"usage":{"total_tokens":12}}'),
  ];
  const { response, truncated } = await recordedAnswer(whole, { outcome: undefined, kept });
  expect(truncated).toBe(true);
  expect(response.length).toBeLessThanOrEqual(8 * megabyte);
  expect(JSON.parse(Buffer.from(response).toString())).toMatchObject({ usage: { total_tokens: 12 } });
});

test("a JSON answer larger than a message has its record, charged and marked as cut", async () => {
  const piece = `"${"x".repeat(megabyte)}",`;
  const invoke = answering("[", ...Array.from({ length: 24 }, () => piece), "1]");
  await using gateway = await startTestGateway({ provider: { invoke } });
  const response = await gateway.call("/v1/chat/completions", {
    model: "m",
    messages: [{ role: "user", content: "Hi" }],
  });
  expect((await response.text()).length).toBeGreaterThan(24 * megabyte);
  await vi.waitFor(() => expect(gateway.recorded).toHaveLength(1), 10_000);
  expect(gateway.recorded).toMatchObject([{ status: RecordStatus.SUCCEEDED, responseTruncated: true }]);
});
