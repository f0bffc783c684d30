import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { createTokenCount, imageTokens } from "../neutral/delivered.ts";
import type { Delivered } from "../neutral/usage.ts";
import { isChoice } from "./vendor-words.ts";

interface ToolCall {
  id: string;
  /** "custom": it takes free text. */
  type: string;
  name: string;
  /** Arguments or free text so far. */
  input: string;
}

interface Choice {
  readonly message: JsonObject;
  readonly toolCalls: Map<number, ToolCall>;
  readonly logprobs: unknown[];
  finishReason: string | null;
}

/** A chat completion put together from its chunks. */
export interface ChatFold {
  /** Takes one parsed chunk. */
  add(chunk: JsonObject): void;
  /** The completion so far, without usage. */
  completion(): JsonObject;
  /** Tokens delivered so far, by the platform's estimate, of all choices: content, reasoning, refusals, tools' arguments. */
  delivered(): Delivered;
  /** True: at least one choice began. */
  hasChoices(): boolean;
  /** True: every choice that began has its finish reason. */
  finished(): boolean;
  /** True: some text was not kept because the answer is longer than `maxText`. */
  truncated(): boolean;
}

/** Fields of a delta that are pieces of one text. */
const textFields: ReadonlySet<string> = new Set(["content", "refusal", "reasoning_content", "reasoning"]);
/** Those of them that are thinking. */
const thinkingFields: ReadonlySet<string> = new Set(["reasoning_content", "reasoning"]);

/**
 * Folds chunks as the official SDK does: text appended, tool calls merged by index, the last of anything else wins. Beyond
 * `maxText` characters text is counted, not kept.
 */
export function createChatFold(countTokens: (text: string) => number, maxText: number): ChatFold {
  const head: JsonObject = {};
  const choices = new Map<number, Choice>();
  let textLength = 0;
  const notKept = { visible: createTokenCount(countTokens), thinking: createTokenCount(countTokens) };
  let images = 0;

  /** A text with its next piece, or without where there is no more room. */
  function append(known: unknown, piece: string, kind: keyof Delivered = "visible"): string {
    textLength += piece.length;
    const text = typeof known === "string" ? known : "";
    if (textLength <= maxText) return text + piece;
    notKept[kind].add(piece);
    return text;
  }

  function addDelta(choice: Choice, delta: JsonObject): void {
    const { message } = choice;
    for (const name in delta) {
      const value = delta[name];
      // The same thinking under its other name.
      if (name === "reasoning" && typeof delta.reasoning_content === "string") continue;
      if (textFields.has(name)) {
        const kind = thinkingFields.has(name) ? "thinking" : "visible";
        if (typeof value === "string") message[name] = append(message[name], value, kind);
      } else if (name === "tool_calls") {
        for (const call of asArray(value)) addToolCall(choice, asObject(call) ?? {});
      } else if (name === "function_call") {
        addFunctionCall(message, asObject(value) ?? {});
      } else {
        if (name === "images") images += asArray(value).length;
        message[name] = value;
      }
    }
  }

  function addFunctionCall(message: JsonObject, call: JsonObject): void {
    const known = asObject(message.function_call) ?? { name: "", arguments: "" };
    message.function_call = {
      name: asString(call.name) ?? known.name,
      arguments: append(known.arguments, asString(call.arguments) ?? ""),
    };
  }

  function addToolCall(choice: Choice, call: JsonObject): void {
    const index = typeof call.index === "number" ? call.index : choice.toolCalls.size;
    const known = choice.toolCalls.get(index) ?? { id: "", type: "function", name: "", input: "" };
    const custom = asObject(call.custom);
    const given = custom ?? asObject(call.function) ?? {};
    known.id = asString(call.id) || known.id;
    known.type = asString(call.type) || (custom === undefined ? known.type : "custom");
    known.name = asString(given.name) || known.name;
    known.input = append(known.input, asString(custom === undefined ? given.arguments : given.input) ?? "");
    choice.toolCalls.set(index, known);
  }

  function choiceOf(index: number): Choice {
    let choice = choices.get(index);
    if (choice === undefined) {
      choice = { message: {}, toolCalls: new Map(), logprobs: [], finishReason: null };
      choices.set(index, choice);
    }
    return choice;
  }

  return {
    add(chunk) {
      const { id } = head;
      Object.assign(head, chunk);
      if (head.id === "") head.id = id;
      // Padding is no part of the answer, and may be as long as a chunk.
      head.obfuscation = undefined;
      for (const given of asArray(chunk.choices)) {
        // Asked one by one, as hundreds of chunks a stream are folded: a list of them took 15 kB of garbage for a hundred.
        if (!isChoice(given)) continue;
        const choice = choiceOf(typeof given.index === "number" ? given.index : 0);
        const delta = asObject(given.delta);
        if (delta !== undefined) addDelta(choice, delta);
        for (const one of asArray(asObject(given.logprobs)?.content)) choice.logprobs.push(one);
        if (given.finish_reason) choice.finishReason = asString(given.finish_reason) ?? choice.finishReason;
      }
    },
    completion() {
      const { object: _object, usage: _usage, ...rest } = head;
      return {
        ...rest,
        choices: [...choices.entries()]
          .sort(([a], [b]) => a - b)
          .map(([index, choice]) => ({
            index,
            message:
              choice.toolCalls.size === 0
                ? choice.message
                : {
                    ...choice.message,
                    tool_calls: [...choice.toolCalls.entries()]
                      .sort(([a], [b]) => a - b)
                      .map(([, call]) => written(call)),
                  },
            logprobs: choice.logprobs.length === 0 ? null : { content: choice.logprobs, refusal: null },
            finish_reason: choice.finishReason,
          })),
      };
    },
    delivered() {
      let visible = notKept.visible.total() + images * imageTokens;
      let thinking = notKept.thinking.total();
      for (const { message, toolCalls } of choices.values()) {
        for (const name of textFields) {
          const tokens = countTokens(asString(message[name]) ?? "");
          if (thinkingFields.has(name)) thinking += tokens;
          else visible += tokens;
        }
        visible += countTokens(asString(asObject(message.function_call)?.arguments) ?? "");
        for (const { name, input } of toolCalls.values()) visible += countTokens(name + input);
      }
      return { visible, thinking };
    },
    hasChoices() {
      return choices.size > 0;
    },
    finished() {
      return choices.size > 0 && [...choices.values()].every(({ finishReason }) => finishReason !== null);
    },
    truncated() {
      return textLength > maxText;
    },
  };
}

function written({ id, type, name, input }: ToolCall): JsonObject {
  return type === "custom" ? { id, type, custom: { name, input } } : { id, type, function: { name, arguments: input } };
}
