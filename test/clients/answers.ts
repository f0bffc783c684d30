import { randomUUID } from "node:crypto";
import type { VendorName } from "./rules.ts";

/** What a model does: it calls tools, or says something. */
export type Turn = { readonly text: string } | { readonly calls: readonly Call[] };

/** A call of a tool. */
interface Call {
  /** As the vendor knows it; one of a namespace as `namespace name`. */
  readonly name: string;
  readonly input: object;
}

const event = (data: object, name?: string) =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;
const typed = (type: string, data: object) => event({ type, ...data }, type);
const newId = (prefix: string) => `${prefix}_${randomUUID().replaceAll("-", "").slice(0, 20)}`;

/** A turn as a vendor answers with it. */
export function answerOf(vendor: VendorName, turn: Turn, streams: boolean, keep: Keep): string {
  const calls = "calls" in turn ? turn.calls : [];
  const text = "text" in turn ? turn.text : "Let me see.";
  return writers[vendor](text, calls, streams, keep);
}

/** Keeps an item of an answer, so that later requests may refer to it. */
type Keep = (item: Readonly<Record<string, unknown>>) => void;
type Write = (text: string, calls: readonly Call[], streams: boolean, keep: Keep) => string;

const writeChat: Write = (text, calls, streams) => {
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  const head = { id: newId("chatcmpl"), created: 1_790_000_000, model: "up" };
  const finish = calls.length === 0 ? "stop" : "tool_calls";
  const given = calls.map(({ name, input }, index) => ({
    ...{ index, id: newId("call"), type: "function", function: { name, arguments: JSON.stringify(input) } },
  }));
  if (!streams) {
    const message = { role: "assistant", content: text, ...(calls.length === 0 ? {} : { tool_calls: given }) };
    return JSON.stringify({
      ...head,
      object: "chat.completion",
      choices: [{ index: 0, message, finish_reason: finish }],
      usage,
    });
  }
  const chunk = (delta: object, reason: string | null = null) =>
    event({ ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: reason }] });
  const pieces = given.flatMap(({ index, id, type, function: { name, arguments: whole } }) => [
    chunk({ tool_calls: [{ index, id, type, function: { name, arguments: "" } }] }),
    chunk({ tool_calls: [{ index, function: { arguments: whole.slice(0, 4) } }] }),
    chunk({ tool_calls: [{ index, function: { arguments: whole.slice(4) } }] }),
  ]);
  const last = event({ ...head, object: "chat.completion.chunk", choices: [], usage });
  return `${chunk({ role: "assistant", content: text })}${pieces.join("")}${chunk({}, finish)}${last}data: [DONE]\n\n`;
};

const writeMessages: Write = (text, calls, streams) => {
  const blocks = [
    { type: "text", text },
    ...calls.map(({ name, input }) => ({ type: "tool_use", id: newId("toolu"), name, input })),
  ];
  const stop = { stop_reason: calls.length === 0 ? "end_turn" : "tool_use", stop_sequence: null };
  const head = { id: newId("msg"), type: "message", role: "assistant", model: "up" };
  if (!streams) {
    return JSON.stringify({ ...head, content: blocks, ...stop, usage: { input_tokens: 10, output_tokens: 5 } });
  }
  const start = {
    ...head,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 1 },
  };
  const written = blocks.map((block, index) => {
    const isText = "text" in block;
    const delta = isText
      ? { type: "text_delta", text: block.text }
      : { type: "input_json_delta", partial_json: "input" in block ? JSON.stringify(block.input) : "" };
    return (
      typed("content_block_start", {
        index,
        content_block: isText ? { type: "text", text: "" } : { ...block, input: {} },
      }) +
      typed("content_block_delta", { index, delta }) +
      typed("content_block_stop", { index })
    );
  });
  const end = typed("message_delta", { delta: stop, usage: { output_tokens: 5 } }) + typed("message_stop", {});
  return typed("message_start", { message: start }) + written.join("") + end;
};

const writeGemini: Write = (text, calls, streams) => {
  const parts = [
    { text },
    ...calls.map(({ name, input }, index) => ({
      functionCall: { name, args: input },
      ...(index === 0 ? { thoughtSignature: "c2lnbmVk" } : {}),
    })),
  ];
  const answer = {
    candidates: [{ content: { role: "model", parts }, finishReason: "STOP", index: 0 }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
  };
  return streams ? event(answer) : JSON.stringify(answer);
};

const writeResponses: Write = (text, calls, streams, keep) => {
  const content = [{ type: "output_text", text, annotations: [] }];
  const output: Record<string, unknown>[] = [
    { id: newId("msg"), type: "message", status: "completed", role: "assistant", content },
    ...calls.map(({ name, input }) => {
      const [namespace = "", own] = name.split(" ");
      const place = own === undefined ? { name } : { name: own, namespace };
      const call = { call_id: newId("call"), ...place, arguments: JSON.stringify(input) };
      return { id: newId("fc"), type: "function_call", status: "completed", ...call };
    }),
  ];
  for (const item of output) keep(item);
  const usage = {
    ...{ input_tokens: 10, output_tokens: 5, total_tokens: 15 },
    ...{ input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } },
  };
  const response = {
    id: newId("resp"),
    object: "response",
    created_at: 1_790_000_000,
    model: "up",
    status: "completed",
    output,
    usage,
  };
  if (!streams) return JSON.stringify(response);
  let number = 0;
  const next = (type: string, data: object) => event({ type, sequence_number: number++, ...data }, type);
  const begun = { ...response, status: "in_progress", output: [], usage: null };
  const items = output.map((item, index) => {
    const at = { output_index: index, item_id: item.id };
    const empty =
      item.type === "message" ? { ...item, status: "in_progress", content: [] } : { ...item, arguments: "" };
    const place = { ...at, content_index: 0 };
    const said =
      item.type === "message"
        ? next("response.content_part.added", { ...place, part: { type: "output_text", text: "", annotations: [] } }) +
          next("response.output_text.delta", { ...place, delta: text }) +
          next("response.output_text.done", { ...place, text }) +
          next("response.content_part.done", { ...place, part: content[0] })
        : next("response.function_call_arguments.delta", { ...at, delta: item.arguments }) +
          next("response.function_call_arguments.done", { ...at, name: item.name, arguments: item.arguments });
    return (
      next("response.output_item.added", { output_index: index, item: empty }) +
      said +
      next("response.output_item.done", { output_index: index, item })
    );
  });
  const started = next("response.created", { response: begun }) + next("response.in_progress", { response: begun });
  return started + items.join("") + next("response.completed", { response });
};

const writers: Readonly<Record<VendorName, Write>> = {
  chat: writeChat,
  messages: writeMessages,
  gemini: writeGemini,
  responses: writeResponses,
};
