import type { JsonObject } from "../../../wire/json.ts";
import type { Choice, Finish, NeutralAnswer } from "../neutral/answer.ts";
import type { AnswerEnd, AnswerHead } from "../neutral/formats.ts";
import { writeOpenaiUsage } from "../openai-usage.ts";
import { writeLogprobs } from "./logprobs.ts";

const finishReasons: Readonly<Record<Finish, string>> = {
  stop: "stop",
  stop_sequence: "stop",
  pause: "stop",
  tool_calls: "stop",
  length: "length",
  context_window: "length",
  content_filter: "content_filter",
  refusal: "content_filter",
};

/** This dialect's word for a finish; empty: unknown. */
export function finishReasonOf(finish: Finish | undefined): string {
  return finish === undefined ? "" : finishReasons[finish];
}

/**
 * A whole completion.
 *
 * @param echo the prompt, where the client wants it before the answer.
 */
export function writeTextCompletion(answer: NeutralAnswer, head: AnswerHead, end: AnswerEnd, echo: string): JsonObject {
  return {
    id: head.id,
    object: "text_completion",
    created: head.createdUnixS,
    model: head.model,
    choices: answer.choices.map((choice, index) => ({
      text: echo + textOf(choice),
      index,
      logprobs: writeLogprobs(choice.logprobs, 0),
      finish_reason: finishReasonOf(choice.finish) || "stop",
      ...thinkingOf(choice),
    })),
    usage: writeOpenaiUsage(end.usage, undefined, end.latency),
  };
}

function textOf({ parts }: Choice): string {
  return parts.map((part) => (part.type === "text" || part.type === "refusal" ? part.text : "")).join("");
}

/** The dialect has no place for thinking; vendors put it beside the text. */
function thinkingOf({ parts }: Choice): JsonObject {
  const text = parts.map((part) => (part.type === "thinking" ? part.text : "")).join("");
  return text === "" ? {} : { reasoning_content: text };
}
