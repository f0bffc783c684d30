import { randomUUID } from "node:crypto";
import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import { errorIn } from "../../../domain/error-in-answer.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import type { AnswerPart, Choice, NeutralAnswer } from "../../../modules/chat/neutral/answer.ts";
import { choicesIn, contentOf, thinkingOf } from "../../../modules/chat/openai-chat/vendor-words.ts";
import { countsIn } from "../../../modules/chat/openai-usage.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { createDetails } from "./details.ts";
import { citationsOf, finishOf, imagesOf } from "./read-parts.ts";

/** Reads a chat completion. An error object in its place is thrown. */
export function readChatAnswer(body: Buffer, flavour: OpenaiFlavour): NeutralAnswer {
  const answer = asObject(parseJson(body.toString()));
  if (answer === undefined) {
    throw new ThroughlineError("upstream_error", "The upstream's answer is not a JSON object.");
  }
  const choices = choicesIn(answer.choices);
  if (choices.length === 0) {
    throw flavour.streamError(errorIn(answer) ?? { message: "its answer is empty" });
  }
  return {
    choices: choices.map((choice) => readChoice(choice, flavour)),
    usage: countsIn(answer),
    model: asString(answer.model) ?? "",
    upstreamId: asString(answer.request_id),
  };
}

function readChoice(choice: JsonObject, flavour: OpenaiFlavour): Choice {
  const message = asObject(choice.message) ?? {};
  const { text, thinking } = contentOf(message.content);
  const parts: AnswerPart[] = [];
  const details = createDetails();
  details.add(message.reasoning_details);
  const thought = thinkingOf(message) + thinking;
  const [first, ...more] = details.take();
  if (thought !== "" || first !== undefined) parts.push({ type: "thinking", text: thought, signature: first });
  for (const signature of more) parts.push({ type: "redacted_thinking", signature });
  if (text !== "") parts.push({ type: "text", text });
  const refusal = asString(message.refusal);
  if (refusal) parts.push({ type: "refusal", text: refusal });
  for (const citation of citationsOf(message)) parts.push({ type: "citation", citation });
  for (const { mediaType, data } of imagesOf(message)) parts.push({ type: "image", mediaType, data });
  for (const call of readCalls(message)) parts.push(call);
  const finish = finishOf(choice.finish_reason, flavour);
  // Some vendors say "stop" although tools are called.
  const called = parts.some((part) => part.type === "tool_call");
  return {
    parts,
    finish: called && (finish === "stop" || finish === undefined) ? "tool_calls" : (finish ?? "stop"),
    ...(choice.logprobs ? { logprobs: choice.logprobs } : {}),
  };
}

function readCalls(message: JsonObject): AnswerPart[] {
  const legacy = asObject(message.function_call);
  const calls = asArray(message.tool_calls).map((raw) => asObject(raw) ?? {});
  if (legacy !== undefined && calls.length === 0) calls.push({ function: legacy });
  return calls.map((call) => {
    const custom = call.type === "custom";
    const given = asObject(custom ? call.custom : call.function) ?? {};
    const input = custom ? given.input : given.arguments;
    return {
      type: "tool_call",
      id: asString(call.id) || newCallId(),
      name: asString(given.name) ?? "",
      // Ollama's own format has an object here.
      input: typeof input === "object" && input !== null ? JSON.stringify(input) : (asString(input) ?? ""),
      custom,
    };
  });
}

/** An ID for a call whose vendor gave none. */
export function newCallId(): string {
  return `call_${randomUUID().replaceAll("-", "").slice(0, 24)}`;
}
