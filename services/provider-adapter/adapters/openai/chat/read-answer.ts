import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import { errorIn } from "../../../domain/error-in-answer.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import type { AnswerPart, Choice, NeutralAnswer } from "../../../modules/chat/neutral/answer.ts";
import { newCallId } from "../../../modules/chat/neutral/fit-labels.ts";
import { namelessCall, readWholeCalls } from "../../../modules/chat/openai-chat/read-calls.ts";
import { choicesIn, contentOf, thinkingOf } from "../../../modules/chat/openai-chat/vendor-words.ts";
import { countsIn } from "../../../modules/chat/openai-usage.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../../wire/json.ts";
import { createDetails } from "./details.ts";
import { citationsOf, finishOf, imagesOf, refusedOf } from "./read-parts.ts";

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
  for (const call of readCalls(message, flavour)) parts.push(call);
  const finish = finishOf(choice.finish_reason, flavour);
  // Some vendors say "stop" although tools are called.
  const called = parts.some((part) => part.type === "tool_call");
  return {
    parts,
    finish: called && (finish === "stop" || finish === undefined) ? "tool_calls" : (finish ?? "stop"),
    refused: finish === "content_filter" ? refusedOf(choice) : undefined,
    ...(choice.logprobs ? { logprobs: choice.logprobs } : {}),
  };
}

function readCalls(message: JsonObject, flavour: OpenaiFlavour): AnswerPart[] {
  const legacy = asObject(message.function_call);
  const given = asArray(message.tool_calls);
  const list = legacy !== undefined && given.length === 0 ? [{ function: legacy }] : given;
  const calls = readWholeCalls(list, newCallId);
  if (calls === undefined) throw flavour.streamError({ message: namelessCall });
  return calls.map(({ id, name, text, custom }) => ({ type: "tool_call", id, name, input: text, custom }));
}
