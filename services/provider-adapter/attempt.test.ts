import { expect, test } from "vitest";
import { startTestProvider } from "./testing-provider.ts";
import { rawServer } from "./upstream/testing.ts";

/* What becomes of a stream whose connection breaks: the simulator breaks streams in the middle, here it is at the end. */

const chunk = (delta: object, finish_reason: string | null) =>
  `data: ${JSON.stringify({ id: "vendor", model: "m", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const hello = chunk({ role: "assistant", content: "Hello" }, null);
const stop = chunk({}, "stop");
const done = "data: [DONE]\n\n";

/** What a client gets of a stream that says so much and then has no end: its socket is closed. */
async function brokenAfter(text: string, dialect = "openai.chat") {
  const host = await rawServer((socket) => {
    socket.once("data", () => {
      const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
      socket.end(`${head}${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
    });
  });
  await using provider = await startTestProvider({ chat: { adapter: "openai", baseUrl: `http://${host}/v1` } });
  return await provider.invoke({
    dialect,
    body: { model: "m", max_tokens: 9, stream: true, messages: [{ role: "user", content: "x" }] },
    candidates: [{ channel: "chat", model: "m" }],
  });
}

test.each([
  ["its end mark", hello + stop + done],
  ["the finish reason", hello + stop],
])("a stream that breaks after %s is whole", async (_name, text) => {
  const { text: sent, error, outcome } = await brokenAfter(text);
  expect(error).toBeUndefined();
  expect(sent).toContain("Hello");
  expect(sent.endsWith(done)).toBe(true);
  expect(outcome.finishReason).toBe("stop");
  const translated = await brokenAfter(text, "anthropic.messages");
  expect(translated.error).toBeUndefined();
  expect(translated.text).toContain("event: message_stop");
});

test("a stream that breaks before is broken", async () => {
  const { text, error } = await brokenAfter(hello);
  expect(error?.code).toBe("upstream_error");
  expect(text).not.toContain(done);
});
