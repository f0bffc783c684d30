import { expect, test, vi } from "vitest";
import { RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { answering, startTestGateway } from "../testing.ts";
import { recordedAnswer } from "./recorded-answer.ts";

const megabyte = 1024 * 1024;

test("an answer of usual size travels as it is, without another copy", () => {
  const body = Buffer.from('{"usage":{}}');
  expect(recordedAnswer({ stream: false }, { outcome: undefined, kept: [body] })).toEqual({
    response: body,
    truncated: false,
  });
});

test("a JSON answer of any size travels as a JSON document that fits a message", async () => {
  const kept = [
    Buffer.from('{"data":[{"b64_json":"'),
    ...Array.from({ length: 30 }, () => Buffer.alloc(megabyte, "A")),
    Buffer.from('"}],"usage":{"total_tokens":12}}'),
  ];
  const { response, truncated } = await recordedAnswer({ stream: false }, { outcome: undefined, kept });
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
