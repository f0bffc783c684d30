import { errorIn } from "../../../domain/error-in-answer.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";

/** Whether a value has one of the fields of a choice. */
export function isChoice(value: unknown): value is JsonObject {
  const choice = asObject(value);
  if (choice === undefined) return false;
  return choice.delta !== undefined || choice.message !== undefined || choice.finish_reason !== undefined;
}

/** Those of a list that are choices: an upstream that sends anything else in their place has not answered. */
export function choicesIn(list: unknown): JsonObject[] {
  return asArray(list).filter(isChoice);
}

/** Thinking text of a message or a delta: vendors name it differently. */
export function thinkingOf(message: JsonObject): string {
  return asString(message.reasoning_content) ?? asString(message.reasoning) ?? asString(message.thinking) ?? "";
}

/** Text and thinking of a content: a string, or a list of chunks as Mistral sends. */
export function contentOf(content: unknown): { text: string; thinking: string } {
  if (typeof content === "string") return { text: content, thinking: "" };
  let text = "";
  let thinking = "";
  for (const raw of asArray(content)) {
    const part = asObject(raw) ?? {};
    if (part.type === "thinking") {
      for (const piece of asArray(part.thinking)) thinking += asString(asObject(piece)?.text) ?? "";
      if (typeof part.thinking === "string") thinking += part.thinking;
    } else text += asString(part.text) ?? "";
  }
  return { text, thinking };
}

/**
 * OpenAI's word for a vendor's finish reason; one that nobody knows stays. Throws where the vendor says that it failed: the
 * `error` that it gave, if any.
 */
export function usualFinish(word: string, { finishReasons, streamError }: OpenaiFlavour, error?: JsonObject): string {
  const usual = finishReasons[word] ?? word;
  if (usual === "error") throw streamError(error ?? { message: `it ended with '${word}'` });
  return usual;
}

/**
 * A choice of an answer or a chunk in the words that clients of the dialect read: the finish reason is one of OpenAI's,
 * the content a text, thinking stands in `reasoning_content`. Throws where the vendor says that it failed; `error` is what
 * stands beside the choices. Most are in these words as they came: then it is the same object.
 */
export function inUsualWords(choice: JsonObject, flavour: OpenaiFlavour, error?: JsonObject): JsonObject {
  const part = asObject(choice.delta) === undefined ? "message" : "delta";
  const said = asObject(choice[part]);
  const { finish_reason: finish } = choice;
  const isFinished = typeof finish === "string" && finish !== "";
  const word = isFinished ? usualFinish(finish, flavour, errorIn(choice) ?? error) : finish;
  const texts = said && withUsualTexts(said);
  const isPlaced = part === "message" || typeof choice.index === "number";
  if (isPlaced && texts === said && word === finish) return choice;
  return {
    ...choice,
    // The official SDKs put a stream together by the place of each choice.
    ...(isPlaced ? {} : { index: 0 }),
    ...(texts === undefined ? {} : { [part]: texts }),
    ...(isFinished ? { finish_reason: word } : {}),
  };
}

function withUsualTexts(said: JsonObject): JsonObject {
  const { text, thinking } = contentOf(said.content);
  const thought = thinkingOf(said) + thinking;
  const isUsual = thought === "" || thought === said.reasoning_content;
  if (isUsual && said.role !== "" && !Array.isArray(said.content)) return said;
  return {
    ...said,
    ...(said.role === "" ? { role: "assistant" } : {}),
    ...(Array.isArray(said.content) ? { content: text } : {}),
    ...(thought === "" ? {} : { reasoning_content: thought }),
  };
}
