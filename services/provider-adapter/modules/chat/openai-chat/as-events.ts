import { errorIn } from "../../../domain/error-in-answer.ts";
import type { UpstreamEvent } from "../../../domain/exchange.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, type JsonObject } from "../../../wire/json.ts";
import { choicesIn } from "./vendor-words.ts";

const end: UpstreamEvent = { data: "[DONE]" };

/** A whole completion as the events of a stream: each choice in one chunk, the usage, the end. Undefined: it is no answer. */
export function completionEvents(body: Buffer): readonly UpstreamEvent[] | undefined {
  const answer = asObject(parseExact(body.toString()));
  if (answer === undefined || errorIn(answer) !== undefined) return undefined;
  const choices = choicesIn(answer.choices);
  if (choices.length === 0) return undefined;
  return chunksOf(answer, "chat.completion.chunk", choices.map(asDelta));
}

/** As `completionEvents`, of OpenAI's older completions. */
export function textCompletionEvents(body: Buffer): readonly UpstreamEvent[] | undefined {
  const answer = asObject(parseExact(body.toString()));
  if (answer === undefined || errorIn(answer) !== undefined) return undefined;
  const choices = asArray(answer.choices).filter((choice) => typeof asObject(choice)?.text === "string");
  return choices.length === 0 ? undefined : chunksOf(answer, "text_completion", choices);
}

function chunksOf(answer: JsonObject, object: string, choices: readonly unknown[]): UpstreamEvent[] {
  const { choices: _choices, usage, ...head } = answer;
  const chunks: JsonObject[] = choices.map((choice) => ({ ...head, object, choices: [choice] }));
  if (usage) chunks.push({ ...head, object, choices: [], usage });
  return [...chunks.map((chunk) => ({ data: JSON.stringify(chunk) })), end];
}

function asDelta(choice: JsonObject, position: number): JsonObject {
  const { message, delta, ...rest } = choice;
  const said = asObject(message) ?? asObject(delta) ?? {};
  const calls = asArray(said.tool_calls).map((call, index) => ({ index, ...asObject(call) }));
  return {
    index: position,
    ...rest,
    delta: calls.length === 0 ? said : { ...said, tool_calls: calls },
    finish_reason: choice.finish_reason || "stop",
  };
}
