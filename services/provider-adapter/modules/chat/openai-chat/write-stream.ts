import type { JsonObject } from "../../../wire/json.ts";
import type { AnswerPart } from "../neutral/answer.ts";
import type { ClientStream, StreamHead } from "../neutral/formats.ts";
import { writeOpenaiUsage } from "../openai-usage.ts";
import { writeReasoningDetails } from "./reasoning-details.ts";
import { chatFinishReason, writeAnnotation, writeFilter, writeImage } from "./write-answer.ts";

interface OpenChoice {
  /** Thinking and signed calls so far, for the one delta of `reasoning_details`. */
  readonly signed: AnswerPart[];
  thinking: string[];
  /** Calls so far that take free text. */
  readonly custom: Set<number>;
  calls: number;
  /** The model said that it declines. */
  declined: boolean;
  finished: boolean;
}

/**
 * A stream of chat chunks: a role first, then content, reasoning and tool calls as they come, `reasoning_details` in one
 * piece before the finish, the usage when asked for, `[DONE]`.
 */
export function writeChatStream(
  about: StreamHead,
  { legacy, includeUsage }: { legacy: boolean; includeUsage: boolean },
): ClientStream {
  const choices = new Map<number, OpenChoice>();
  let model = "";
  let head = "";
  // OpenAI puts it on every chunk but the last when the client asked for usage.
  const tail = includeUsage ? ',"usage":null}\n\n' : "}\n\n";

  /** `more`: JSON text of further fields of the choice, each behind a comma. */
  function chunk(choice: number, delta: string, finish: string | null, logprobs = "null", more = ""): string {
    const reason = finish === null ? "null" : JSON.stringify(finish);
    return `${head}"choices":[{"index":${choice},"delta":${delta},"logprobs":${logprobs},"finish_reason":${reason}${more}}]${tail}`;
  }

  /** The choice, and its first chunk when it is new. */
  function open(index: number): { choice: OpenChoice; text: string } {
    let choice = choices.get(index);
    if (choice !== undefined) return { choice, text: "" };
    choice = { signed: [], thinking: [], custom: new Set(), calls: 0, declined: false, finished: false };
    choices.set(index, choice);
    return { choice, text: chunk(index, '{"role":"assistant","content":"","refusal":null}', null) };
  }

  function closeThinking(choice: OpenChoice): void {
    if (choice.thinking.length === 0) return;
    choice.signed.push({ type: "thinking", text: choice.thinking.join("") });
    choice.thinking = [];
  }

  return {
    write(event) {
      if (event.type === "usage") return "";
      if (event.type === "start") {
        model = event.model;
        head = `data: {"id":${JSON.stringify(about.id)},"object":"chat.completion.chunk","created":${about.createdUnixS},"model":${JSON.stringify(model)},`;
        return open(0).text;
      }
      const { choice, text } = open(event.choice);
      switch (event.type) {
        case "text":
          return `${text}${chunk(event.choice, `{"content":${JSON.stringify(event.text)}}`, null, JSON.stringify(event.logprobs ?? null))}`;
        case "refusal":
          choice.declined = true;
          return `${text}${chunk(event.choice, `{"refusal":${JSON.stringify(event.text)}}`, null)}`;
        case "thinking":
          choice.thinking.push(event.text);
          return `${text}${chunk(event.choice, `{"reasoning_content":${JSON.stringify(event.text)}}`, null)}`;
        case "signature":
          choice.signed.push({ type: "thinking", text: choice.thinking.join(""), signature: event.signature });
          choice.thinking = [];
          return text;
        case "redacted_thinking":
          closeThinking(choice);
          choice.signed.push({ type: "redacted_thinking", signature: event.signature });
          return text;
        case "tool_call": {
          const { id, name, custom, signature } = event;
          if (signature !== undefined) {
            closeThinking(choice);
            choice.signed.push({ type: "tool_call", id, name, input: "", custom, signature });
          }
          choice.calls++;
          if (custom) choice.custom.add(event.call);
          return `${text}${chunk(event.choice, startOfCall(event, legacy), null)}`;
        }
        case "tool_input": {
          const input = JSON.stringify(event.text);
          const delta = legacy
            ? `{"function_call":{"arguments":${input}}}`
            : choice.custom.has(event.call)
              ? `{"tool_calls":[{"index":${event.call},"custom":{"input":${input}}}]}`
              : `{"tool_calls":[{"index":${event.call},"function":{"arguments":${input}}}]}`;
          return `${text}${chunk(event.choice, delta, null)}`;
        }
        case "image":
          return `${text}${chunk(event.choice, JSON.stringify({ images: [writeImage(event)] }), null)}`;
        case "citation":
          return `${text}${chunk(event.choice, JSON.stringify({ annotations: [writeAnnotation(event.citation)] }), null)}`;
        case "logprobs":
          return `${text}${chunk(event.choice, "{}", null, JSON.stringify(event.value ?? null))}`;
        case "finish": {
          closeThinking(choice);
          choice.finished = true;
          const details = writeReasoningDetails(choice.signed);
          const signed =
            details.length === 0 ? "" : chunk(event.choice, JSON.stringify({ reasoning_details: details }), null);
          const why = event.refused?.explanation;
          const said =
            why === undefined || choice.declined ? "" : chunk(event.choice, JSON.stringify({ refusal: why }), null);
          const filter = JSON.stringify(writeFilter(event.refused)).slice(1, -1);
          const reason = chatFinishReason(event.reason, legacy);
          return `${text}${signed}${said}${chunk(event.choice, "{}", reason, "null", filter === "" ? "" : `,${filter}`)}`;
        }
      }
    },
    end({ usage, latency }) {
      let text = "";
      for (const [index, choice] of choices) {
        if (choice.finished) continue;
        const reason = chatFinishReason(choice.calls > 0 ? "tool_calls" : "stop", legacy);
        text += chunk(index, "{}", reason);
      }
      if (!includeUsage) return `${text}data: [DONE]\n\n`;
      const last: JsonObject = {
        id: about.id,
        object: "chat.completion.chunk",
        created: about.createdUnixS,
        model,
        choices: [],
        usage: writeOpenaiUsage(usage, undefined, latency),
      };
      return `${text}data: ${JSON.stringify(last)}\n\ndata: [DONE]\n\n`;
    },
  };
}

function startOfCall(
  { call, id, name, custom }: { call: number; id: string; name: string; custom: boolean },
  legacy: boolean,
): string {
  if (legacy) return JSON.stringify({ function_call: { name, arguments: "" } });
  const given = custom
    ? { type: "custom", custom: { name, input: "" } }
    : { type: "function", function: { name, arguments: "" } };
  return JSON.stringify({ tool_calls: [{ index: call, id, ...given }] });
}
