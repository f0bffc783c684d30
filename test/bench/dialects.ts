import { adapters } from "../../services/provider-adapter/adapters/registry.ts";
import type { Asked } from "../../services/provider-adapter/domain/exchange.ts";
import { createEventFeed } from "../../services/provider-adapter/wire/event-feed.ts";

/*
 * What a chunk of a stream costs between the upstream's socket and the lane: bytes to events, the translation, text to
 * bytes; and the end of the stream, where usage is read and the answer for history is put together, spread over its
 * chunks. CPU of one thread. Run: node test/bench/dialects.ts
 */

const chunks = 200;
const words = ["The", " quick", " brown", " 狐", " jumps", " over", " the", " lazy", " dog", "."];
const id = "chatcmpl-Dk413e7APldPf4BwB44tzOyNKBHV0";

function chatStream(usageNull: boolean): Buffer[] {
  const chunk = (delta: object, finish: string | null, rest: object = usageNull ? { usage: null } : {}) =>
    Buffer.from(
      `data: ${JSON.stringify({
        id,
        object: "chat.completion.chunk",
        created: 1_779_870_897,
        model: "gpt-4o-2024-08-06",
        service_tier: "default",
        system_fingerprint: "fp_af7f7349a4",
        choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
        ...rest,
      })}\n\n`,
    );
  const usage = { prompt_tokens: 20, completion_tokens: chunks, total_tokens: chunks + 20 };
  return [
    chunk({ role: "assistant", content: "", refusal: null }, null),
    ...Array.from({ length: chunks }, (_, at) => chunk({ content: words[at % words.length] }, null)),
    chunk({}, "stop"),
    chunk({}, null, { choices: [], usage }),
    Buffer.from("data: [DONE]\n\n"),
  ];
}

function messagesStream(): Buffer[] {
  const event = (data: { type: string }) => Buffer.from(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`);
  const one = (type: string, rest: object) => event({ type, ...rest });
  const message = { id: "msg_01", type: "message", role: "assistant", model: "claude-sonnet-4-5", content: [] };
  return [
    one("message_start", { message: { ...message, usage: { input_tokens: 20, output_tokens: 1 } } }),
    one("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    ...Array.from({ length: chunks }, (_, at) =>
      one("content_block_delta", { index: 0, delta: { type: "text_delta", text: words[at % words.length] } }),
    ),
    one("content_block_stop", { index: 0 }),
    one("message_delta", { delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: chunks } }),
    one("message_stop", {}),
  ];
}

const moments = { sentUs: 1, firstByteUs: 2, firstContentUs: 3, lastByteUs: 4, nowUs: 5 };
const body = Buffer.from(JSON.stringify({ model: "m", max_tokens: 500, messages: [{ role: "user", content: "hi" }] }));

interface Case {
  readonly name: string;
  readonly dialect: string;
  readonly adapter: string;
  readonly pieces: readonly Buffer[];
}

const cases: readonly Case[] = [
  { name: "chat -> chat, passed through", dialect: "openai.chat", adapter: "openai", pieces: chatStream(false) },
  { name: '  the same, "usage":null on each', dialect: "openai.chat", adapter: "openai", pieces: chatStream(true) },
  {
    name: "messages -> messages, passed through",
    dialect: "anthropic.messages",
    adapter: "anthropic",
    pieces: messagesStream(),
  },
  { name: "chat client, messages upstream", dialect: "openai.chat", adapter: "anthropic", pieces: messagesStream() },
  {
    name: "messages client, chat upstream",
    dialect: "anthropic.messages",
    adapter: "openai",
    pieces: chatStream(true),
  },
];

function run({ dialect, adapter, pieces }: Case, keepResponse: boolean): number {
  const asked: Asked = {
    requestId: 767_212_140_985_061_376n,
    model: "m",
    upstreamModel: "claude-sonnet-4-5",
    control: "",
    stream: true,
    includeUsage: true,
    body,
    headers: {},
    createdUnixS: 1_700_000_000,
    keepResponse,
  };
  const exchange = adapters[adapter]?.open("{}").exchanges[dialect]?.(asked);
  if (exchange === undefined) throw new Error(`no exchange from ${dialect} to ${adapter}`);
  const stream = exchange.stream();
  let text = "";
  const feed = createEventFeed((event) => {
    text += stream.event(event);
  });
  let bytes = 0;
  for (const piece of pieces) {
    text = "";
    feed.feed(piece);
    bytes += Buffer.from(text).length;
  }
  feed.end();
  bytes += Buffer.from(stream.end(moments)).length;
  stream.facts();
  bytes += stream.document(moments).body.length;
  return bytes;
}

function measure(one: Case, keepResponse: boolean): number {
  for (let round = 0; round < 300; round += 1) run(one, keepResponse);
  const rounds = 600;
  const before = process.cpuUsage();
  for (let round = 0; round < rounds; round += 1) run(one, keepResponse);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / rounds / one.pieces.length;
}

console.log(`CPU-us a chunk, streams of ${chunks} content chunks`);
console.log("| direction | with the answer for history | without |\n|---|---|---|");
for (const one of cases) {
  console.log(`| ${one.name} | ${measure(one, true).toFixed(2)} | ${measure(one, false).toFixed(2)} |`);
}
