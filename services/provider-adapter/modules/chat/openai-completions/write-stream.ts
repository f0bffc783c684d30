import type { ClientStream, StreamHead } from "../neutral/formats.ts";
import { writeOpenaiUsage } from "../openai-usage.ts";
import { writeLogprobs } from "./logprobs.ts";
import { finishReasonOf } from "./write-answer.ts";

interface OpenChoice {
  /** Length of the text so far, in characters. */
  length: number;
  finished: boolean;
}

/** A stream of completion chunks: pieces of text, a finish reason, the usage when asked for, `[DONE]`. */
export function writeCompletionStream(
  about: StreamHead,
  { includeUsage, echo }: { includeUsage: boolean; echo: string },
): ClientStream {
  const choices = new Map<number, OpenChoice>();
  let model = "";
  let head = "";
  const tail = includeUsage ? ',"usage":null}\n\n' : "}\n\n";

  function chunk(choice: number, text: string, finish: string | null, more = '"logprobs":null'): string {
    const reason = finish === null ? "null" : JSON.stringify(finish);
    return `${head}"choices":[{"text":${JSON.stringify(text)},"index":${choice},${more},"finish_reason":${reason}}]${tail}`;
  }

  /** The choice, and its first chunk where the prompt comes before the answer. */
  function open(index: number): { choice: OpenChoice; text: string } {
    let choice = choices.get(index);
    if (choice !== undefined) return { choice, text: "" };
    choice = { length: 0, finished: false };
    choices.set(index, choice);
    return { choice, text: echo === "" ? "" : chunk(index, echo, null) };
  }

  return {
    write(step) {
      switch (step.type) {
        case "start":
          model = step.model;
          head = `data: {"id":${JSON.stringify(about.id)},"object":"text_completion","created":${about.createdUnixS},"model":${JSON.stringify(model)},`;
          return open(0).text;
        case "text":
        case "refusal": {
          const { choice, text } = open(step.choice);
          const logprobs = step.type === "text" ? writeLogprobs(step.logprobs, choice.length) : null;
          choice.length += step.text.length;
          return text + chunk(step.choice, step.text, null, `"logprobs":${JSON.stringify(logprobs)}`);
        }
        case "thinking": {
          const more = `"logprobs":null,"reasoning_content":${JSON.stringify(step.text)}`;
          return open(step.choice).text + chunk(step.choice, "", null, more);
        }
        case "logprobs": {
          // They come behind the text that they are about.
          const { choice, text } = open(step.choice);
          const tokens = writeLogprobs(step.value, 0)?.tokens;
          const length = Array.isArray(tokens) ? tokens.join("").length : 0;
          const written = writeLogprobs(step.value, Math.max(0, choice.length - length));
          return text + chunk(step.choice, "", null, `"logprobs":${JSON.stringify(written)}`);
        }
        case "finish": {
          const { choice, text } = open(step.choice);
          choice.finished = true;
          return text + chunk(step.choice, "", finishReasonOf(step.reason));
        }
        default:
          return "";
      }
    },
    end({ usage, latency }) {
      let text = "";
      for (const [index, { finished }] of choices) if (!finished) text += chunk(index, "", "stop");
      if (!includeUsage) return `${text}data: [DONE]\n\n`;
      const last = {
        id: about.id,
        object: "text_completion",
        created: about.createdUnixS,
        model,
        choices: [],
        usage: writeOpenaiUsage(usage, undefined, latency),
      };
      return `${text}data: ${JSON.stringify(last)}\n\ndata: [DONE]\n\n`;
    },
  };
}
