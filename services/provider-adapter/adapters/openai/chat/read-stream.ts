import { errorIn } from "../../../domain/error-in-answer.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import type { Emit } from "../../../modules/chat/neutral/events.ts";
import type { UpstreamStream } from "../../../modules/chat/neutral/formats.ts";
import { choicesIn, contentOf, thinkingOf } from "../../../modules/chat/openai-chat/vendor-words.ts";
import { countsIn } from "../../../modules/chat/openai-usage.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { createDetails } from "./details.ts";
import { newCallId } from "./read-answer.ts";
import { citationsOf, finishOf, imagesOf } from "./read-parts.ts";

interface OpenCall {
  readonly call: number;
  id: string;
  readonly custom: boolean;
}

interface OpenChoice {
  /** The newest call at each of the vendor's indexes. */
  readonly calls: Map<number, OpenCall>;
  readonly details: ReturnType<typeof createDetails>;
  count: number;
  /** Thinking came and nothing else since. */
  thinking: boolean;
  finished: boolean;
}

/** Reads a stream of chat chunks. Roles, empty deltas and chunks without choices may come in any place or not at all. */
export function readChatStream(flavour: OpenaiFlavour): UpstreamStream {
  const choices = new Map<number, OpenChoice>();
  let started = false;
  let done = false;
  let finished = 0;

  function readCall(choice: OpenChoice, index: number, raw: JsonObject, emit: Emit): void {
    const at = typeof raw.index === "number" ? raw.index : choice.count;
    const custom = raw.type === "custom" || asObject(raw.custom) !== undefined;
    const given = asObject(custom ? raw.custom : raw.function) ?? {};
    const id = asString(raw.id) ?? "";
    const name = asString(given.name) ?? "";
    let open = choice.calls.get(at);
    // Some vendors give every call of a turn the index 0: a name with another ID is another call.
    if (open === undefined || (name !== "" && id !== "" && id !== open.id)) {
      open = { call: choice.count++, id: id || newCallId(), custom };
      choice.calls.set(at, open);
      emit({ type: "tool_call", choice: index, call: open.call, id: open.id, name, custom });
    }
    const input = custom ? given.input : given.arguments;
    const text = typeof input === "object" && input !== null ? JSON.stringify(input) : (asString(input) ?? "");
    if (text !== "") emit({ type: "tool_input", choice: index, call: open.call, text });
  }

  /** The thinking is over: what it was signed with. */
  function sign(choice: OpenChoice, index: number, emit: Emit): void {
    const [first, ...more] = choice.details.take();
    if (first !== undefined && choice.thinking) emit({ type: "signature", choice: index, signature: first });
    else if (first !== undefined) emit({ type: "redacted_thinking", choice: index, signature: first });
    for (const signature of more) emit({ type: "redacted_thinking", choice: index, signature });
    choice.thinking = false;
  }

  function readChoice(raw: JsonObject, emit: Emit): void {
    const index = typeof raw.index === "number" ? raw.index : 0;
    let choice = choices.get(index);
    if (choice === undefined) {
      choice = { calls: new Map(), details: createDetails(), count: 0, thinking: false, finished: false };
      choices.set(index, choice);
    }
    const delta = asObject(raw.delta) ?? asObject(raw.message) ?? {};
    const { text, thinking } = contentOf(delta.content);
    const thought = thinkingOf(delta) + thinking;
    choice.details.add(delta.reasoning_details);
    if (thought !== "") {
      choice.thinking = true;
      emit({ type: "thinking", choice: index, text: thought });
    }
    if (choice.thinking && (text !== "" || asArray(delta.tool_calls).length > 0)) sign(choice, index, emit);
    if (text !== "") emit({ type: "text", choice: index, text });
    const refusal = asString(delta.refusal);
    if (refusal) emit({ type: "refusal", choice: index, text: refusal });
    for (const citation of citationsOf(delta)) emit({ type: "citation", choice: index, citation });
    for (const { mediaType, data } of imagesOf(delta)) emit({ type: "image", choice: index, mediaType, data });
    for (const call of asArray(delta.tool_calls)) readCall(choice, index, asObject(call) ?? {}, emit);
    const legacy = asObject(delta.function_call);
    if (legacy !== undefined) readCall(choice, index, { index: 0, function: legacy }, emit);
    if (raw.logprobs) emit({ type: "logprobs", choice: index, value: raw.logprobs });
    const finish = finishOf(raw.finish_reason, flavour);
    if (finish === undefined || choice.finished) return;
    choice.finished = true;
    finished++;
    sign(choice, index, emit);
    emit({ type: "finish", choice: index, reason: finish === "stop" && choice.count > 0 ? "tool_calls" : finish });
  }

  return {
    read({ data }, emit) {
      if (data.startsWith("[DONE]")) {
        done = true;
        return;
      }
      if (data === "") return;
      const chunk = asObject(parseJson(data));
      if (chunk === undefined) {
        throw flavour.streamError({ message: "The upstream sent a chunk that is not valid JSON." });
      }
      const error = errorIn(chunk);
      if (error !== undefined) throw flavour.streamError(error);
      if (!started) {
        started = true;
        emit({ type: "start", model: asString(chunk.model) ?? "", upstreamId: asString(chunk.request_id) });
      }
      const list = asArray(chunk.choices);
      for (const choice of choicesIn(list)) readChoice(choice, emit);
      const usage = countsIn(chunk, asObject(chunk.usage) ?? asObject(asObject(list[0])?.usage));
      // Some vendors count along with every chunk.
      const partial = list.length > 0 && finished === 0;
      if (usage !== undefined) emit({ type: "usage", usage, partial });
    },
    isComplete() {
      return choices.size > 0 && (done || finished === choices.size);
    },
  };
}
