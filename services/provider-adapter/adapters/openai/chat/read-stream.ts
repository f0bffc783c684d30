import { errorIn, errorOfEvent } from "../../../domain/error-in-answer.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import type { Emit } from "../../../modules/chat/neutral/events.ts";
import { newCallId } from "../../../modules/chat/neutral/fit-labels.ts";
import type { UpstreamStream } from "../../../modules/chat/neutral/formats.ts";
import { type CallReader, createCallReader, namelessCall } from "../../../modules/chat/openai-chat/read-calls.ts";
import { choicesIn, contentOf, thinkingOf } from "../../../modules/chat/openai-chat/vendor-words.ts";
import { countsIn } from "../../../modules/chat/openai-usage.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { createDetails } from "./details.ts";
import { citationsOf, finishOf, imagesOf, refusedOf } from "./read-parts.ts";

interface OpenChoice {
  readonly calls: CallReader;
  readonly details: ReturnType<typeof createDetails>;
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
    const step = choice.calls.read(raw);
    if (step === undefined) return;
    const { begins, number: call, id, name, custom, text } = step;
    if (begins) emit({ type: "tool_call", choice: index, call, id, name, custom });
    if (text !== "") emit({ type: "tool_input", choice: index, call, text });
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
      choice = { calls: createCallReader(newCallId), details: createDetails(), thinking: false, finished: false };
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
    if (text !== "") emit({ type: "text", choice: index, text, ...(raw.logprobs ? { logprobs: raw.logprobs } : {}) });
    const refusal = asString(delta.refusal);
    if (refusal) emit({ type: "refusal", choice: index, text: refusal });
    for (const citation of citationsOf(delta)) emit({ type: "citation", choice: index, citation });
    for (const { mediaType, data } of imagesOf(delta)) emit({ type: "image", choice: index, mediaType, data });
    for (const call of asArray(delta.tool_calls)) readCall(choice, index, asObject(call) ?? {}, emit);
    const legacy = asObject(delta.function_call);
    if (legacy !== undefined) readCall(choice, index, { index: 0, function: legacy }, emit);
    if (raw.logprobs && text === "") emit({ type: "logprobs", choice: index, value: raw.logprobs });
    const finish = finishOf(raw.finish_reason, flavour);
    if (finish === undefined || choice.finished) return;
    if (choice.calls.isNameless()) throw flavour.streamError({ message: namelessCall });
    choice.finished = true;
    finished++;
    sign(choice, index, emit);
    const reason = finish === "stop" && choice.calls.count() > 0 ? "tool_calls" : finish;
    const refused = finish === "content_filter" ? refusedOf(raw) : undefined;
    emit({ type: "finish", choice: index, reason, ...(refused === undefined ? {} : { refused }) });
  }

  return {
    read({ event, data }, emit) {
      if (event === "error") throw flavour.streamError(errorOfEvent(data));
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
      if (error !== undefined) {
        const usage = countsIn(chunk);
        if (started && usage !== undefined) emit({ type: "usage", usage });
        throw flavour.streamError(error);
      }
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
