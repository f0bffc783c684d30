import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { startTestProvider } from "../testing-provider.ts";
import { rawServer } from "../upstream/testing.ts";

/* What becomes of a stream whose connection breaks, or stays, at its end: the simulator breaks streams in the middle. */

const chunk = (delta: object, finish_reason: string | null) =>
  `data: ${JSON.stringify({ id: "vendor", model: "m", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const hello = chunk({ role: "assistant", content: "Hello" }, null);
const stop = chunk({}, "stop");
const done = "data: [DONE]\n\n";

const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const piece = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

/** A provider with one channel, whose upstream answers each request on a socket as told. */
async function providerOf(answer: (socket: Socket) => void, adapter = "openai") {
  const host = await rawServer((socket) => socket.on("data", () => answer(socket)));
  const provider = await startTestProvider({ chat: { adapter, baseUrl: `http://${host}/v1` } });
  const ask = (dialect = "openai.chat", stream = true) =>
    provider.invoke({
      dialect,
      body: { model: "m", max_tokens: 9, stream, messages: [{ role: "user", content: "x" }] },
      candidates: [{ channel: "chat", model: "m" }],
    });
  return { ask, [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose]() };
}

/** What a client gets of a stream that says so much and then has no end: its socket is closed. */
async function brokenAfter(text: string, dialect = "openai.chat") {
  await using provider = await providerOf((socket) => socket.end(head + piece(text)));
  return await provider.ask(dialect);
}

test.each([
  ["its end mark", hello + stop + done],
  ["the finish reason", hello + stop],
  ["the finish reason, within its usage", `${hello}${stop}data: {"id":"vendor","usage":{"pro`],
  ["the finish reason, within its end mark", `${hello}${stop}data: [DO`],
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

const whole =
  '{"id":"v","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}';

test("a kept connection that the upstream had closed is no fault of the channel, and the attempt says what happened", async () => {
  const asked = new WeakSet<Socket>();
  const answer = (socket: Socket) => {
    if (asked.has(socket)) socket.resetAndDestroy();
    else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${whole.length}\r\n\r\n${whole}`);
    asked.add(socket);
  };
  await using provider = await providerOf(answer);
  // More than the faults in a row that open a breaker, each over a connection that was kept from the one before.
  for (let count = 0; count < 14; count += 1) {
    const { error, outcome } = await provider.ask("openai.chat", false);
    expect(error).toBeUndefined();
    expect(outcome.attempts).toEqual([expect.objectContaining({ errorCode: "", fault: "", resent: count % 2 === 1 })]);
    expect(outcome.notes).toEqual([]);
  }
});

const word = (content: string) => chunk({ content }, null);
const words = [" a", ' "b"', " c\\n", " ďábel", " 狐", " e"];

test.each([
  ["in a piece for each", (text: string) => text.split(/(?<=\n\n)/)],
  ["in pieces of several", (text: string) => text.split(/(?<=f"\S*\n\n)/)],
  ["cut before the line that ends an event", (text: string) => text.split(/(?<=[^\n]\n)/)],
  ["cut within events", (text: string) => text.match(/[\s\S]{1,37}/g) ?? []],
  ["with comments between", (text: string) => text.split(/(?<=\n\n)/).flatMap((event) => [": ping\n\n", event])],
])("a stream of usual chunks %s is the same answer", async (_name, cut) => {
  const pieces = cut(hello + words.map(word).join("") + stop + done);
  await using provider = await providerOf((socket) => {
    socket.write(head);
    for (const part of pieces) socket.write(piece(part));
    socket.end("0\r\n\r\n");
  });
  const { text, error, outcome } = await provider.ask();
  expect(error).toBeUndefined();
  const said = [...text.matchAll(/"content":("(?:[^"\\]|\\.)*")/g)].map(([, json = '""']) => JSON.parse(json));
  expect(said).toEqual(["Hello", ...words]);
  expect(text.match(/"id":"(?!chatcmpl-)/g)).toBeNull();
  expect(text.endsWith(done)).toBe(true);
  expect(JSON.parse(Buffer.from(outcome.response).toString()).choices[0].message.content).toBe(
    `Hello${words.join("")}`,
  );
});

test.each([
  ["a comment", ": "],
  ["another field", "id: "],
])("what looks like a usual chunk within %s is none", async (_name, before) => {
  await using provider = await providerOf((socket) => {
    socket.write(head);
    for (const part of [hello, word(" a"), word(" b"), before, word("hidden"), word(" c"), stop, done]) {
      socket.write(piece(part));
    }
  });
  const { text } = await provider.ask();
  expect(text).toContain(" b");
  expect(text).not.toContain("hidden");
});

const message = (type: string, rest: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;
const messages = [
  message("message_start", { message: { id: "msg_1", role: "assistant", model: "m", content: [], usage: {} } }),
  message("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
  message("content_block_delta", { index: 0, delta: { type: "text_delta", text: "Hello" } }),
  message("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 1 } }),
  message("message_stop", {}),
].join("");

test.each([
  ["openai", "openai.chat", hello + stop + done],
  ["openai", "anthropic.messages", hello + stop + done],
  ["anthropic", "anthropic.messages", messages],
  ["anthropic", "openai.chat", messages],
])("a stream of %s is given to %s to its end though the connection stays open", async (adapter, dialect, text) => {
  await using provider = await providerOf((socket) => socket.write(head + piece(text)), adapter);
  const { text: sent, error, outcome } = await provider.ask(dialect);
  expect(error).toBeUndefined();
  expect(sent).toContain("Hello");
  expect(sent.endsWith(dialect === "openai.chat" ? done : message("message_stop", {}))).toBe(true);
  expect(outcome.finishReason).toBe(dialect === "openai.chat" ? "stop" : "end_turn");
});

test.each([
  ["another end", "anthropic", "anthropic.messages", messages + done],
  ["a chunk", "openai", "openai.chat", hello + stop + done + hello],
  ["an error", "openai", "openai.chat", `${hello}${stop}${done}data: {"error":{"message":"no"}}\n\n`],
  ["no event", "openai", "openai.chat", `${hello}${stop}${done}data: {\n\n`],
])("%s behind the end is nobody's", async (_name, adapter, dialect, text) => {
  await using provider = await providerOf((socket) => socket.write(head + piece(text)), adapter);
  const { text: sent, error } = await provider.ask(dialect);
  expect(error).toBeUndefined();
  expect(sent.split("Hello")).toHaveLength(2);
  expect(sent.endsWith(dialect === "openai.chat" ? done : message("message_stop", {}))).toBe(true);
});
