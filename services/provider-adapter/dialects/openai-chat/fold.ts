import { asArray, asObject, asString, type JsonObject } from "../../domain/json.ts";

interface Choice {
  readonly message: JsonObject;
  readonly toolCalls: Map<number, { id: string; type: string; function: { name: string; arguments: string } }>;
  readonly logprobs: unknown[];
  finishReason: string | null;
}

/** A chat completion put together from its chunks. */
export interface ChatFold {
  /** Takes one parsed chunk. */
  add(chunk: JsonObject): void;
  /** The completion so far, without usage. */
  completion(): JsonObject;
  /** Text delivered so far, of all choices: content, reasoning, refusals, and what tools are called with. */
  readonly textLength: number;
  /** Every piece of text delivered, for counting. */
  readonly deliveredTokens: number;
  /** Finish reason of the first choice; empty: none yet. */
  readonly finishReason: string;
  /** Chunks that carried content. */
  readonly contentChunks: number;
}

/** Fields of a delta that are pieces of one text. */
const textFields = ["content", "refusal", "reasoning_content", "reasoning"] as const;

/** Folds chunks as the official SDK does: text appended, tool calls merged by index, the last of anything else wins. */
export function createChatFold(countTokens: (text: string) => number): ChatFold {
  const head: JsonObject = {};
  const choices = new Map<number, Choice>();
  let textLength = 0;
  let deliveredTokens = 0;
  let contentChunks = 0;

  function count(text: string): void {
    textLength += text.length;
    deliveredTokens += countTokens(text);
  }

  function addDelta(choice: Choice, delta: JsonObject): boolean {
    let content = false;
    for (const [name, value] of Object.entries(delta)) {
      if ((textFields as readonly string[]).includes(name)) {
        if (typeof value !== "string") continue;
        if (value !== "") content = true;
        count(value);
        choice.message[name] = (asString(choice.message[name]) ?? "") + value;
      } else if (name === "tool_calls") {
        for (const call of asArray(value)) content = addToolCall(choice, asObject(call) ?? {}) || content;
      } else if (name === "function_call") {
        const call = asObject(value) ?? {};
        const known = asObject(choice.message.function_call) ?? { name: "", arguments: "" };
        const args = asString(call.arguments) ?? "";
        count(args);
        content = true;
        choice.message.function_call = {
          name: asString(call.name) ?? known.name,
          arguments: (asString(known.arguments) ?? "") + args,
        };
      } else choice.message[name] = value;
    }
    return content;
  }

  function addToolCall(choice: Choice, call: JsonObject): boolean {
    const index = typeof call.index === "number" ? call.index : choice.toolCalls.size;
    const known = choice.toolCalls.get(index) ?? { id: "", type: "function", function: { name: "", arguments: "" } };
    const given = asObject(call.function) ?? {};
    const args = asString(given.arguments) ?? "";
    known.id = asString(call.id) || known.id;
    known.type = asString(call.type) || known.type;
    known.function.name = asString(given.name) || known.function.name;
    known.function.arguments += args;
    count(args);
    choice.toolCalls.set(index, known);
    return true;
  }

  return {
    add(chunk) {
      for (const [name, value] of Object.entries(chunk)) {
        if (name !== "choices" && name !== "usage" && name !== "object" && !(name === "id" && value === "")) {
          head[name] = value;
        }
      }
      let content = false;
      for (const raw of asArray(chunk.choices)) {
        const given = asObject(raw) ?? {};
        const index = typeof given.index === "number" ? given.index : 0;
        const choice: Choice = choices.get(index) ?? {
          message: {},
          toolCalls: new Map(),
          logprobs: [],
          finishReason: null,
        };
        choices.set(index, choice);
        content = addDelta(choice, asObject(given.delta) ?? {}) || content;
        choice.logprobs.push(...asArray(asObject(given.logprobs)?.content));
        choice.finishReason = asString(given.finish_reason) || choice.finishReason;
      }
      if (content) contentChunks++;
    },
    completion() {
      return {
        ...head,
        choices: [...choices.entries()]
          .sort(([a], [b]) => a - b)
          .map(([index, choice]) => ({
            index,
            message:
              choice.toolCalls.size === 0
                ? choice.message
                : {
                    ...choice.message,
                    tool_calls: [...choice.toolCalls.entries()].sort(([a], [b]) => a - b).map(([, call]) => call),
                  },
            logprobs: choice.logprobs.length === 0 ? null : { content: choice.logprobs, refusal: null },
            finish_reason: choice.finishReason,
          })),
      };
    },
    get textLength() {
      return textLength;
    },
    get deliveredTokens() {
      return deliveredTokens;
    },
    get finishReason() {
      return choices.get(0)?.finishReason ?? "";
    },
    get contentChunks() {
      return contentChunks;
    },
  };
}
