import { asArray } from "../../../wire/json.ts";
import type { AnswerPart, Finish, NeutralAnswer, RefusalReason } from "./answer.ts";
import { createTokenCount, imageTokens } from "./delivered.ts";
import type { NeutralEvent } from "./events.ts";
import type { Signature } from "./signature.ts";
import { createCountSum, type Delivered, type UsageCounts } from "./usage.ts";

interface OpenText {
  readonly type: "text" | "refusal" | "thinking";
  readonly pieces: string[];
  signature?: Signature;
}

interface OpenCall {
  readonly type: "tool_call";
  readonly id: string;
  readonly name: string;
  readonly custom: boolean;
  readonly signature: Signature | undefined;
  readonly pieces: string[];
}

type OpenPart = OpenText | OpenCall | Exclude<AnswerPart, { type: OpenText["type"] | "tool_call" }>;

interface OpenChoice {
  readonly parts: OpenPart[];
  readonly calls: Map<number, OpenCall>;
  readonly logprobs: unknown[];
  finish: Finish | undefined;
  stopSequence: string | undefined;
  refused: RefusalReason | undefined;
}

/** A whole answer put together from its steps. */
export interface AnswerFold {
  add(event: NeutralEvent): void;
  /** The answer so far. */
  answer(): NeutralAnswer;
  /** Tokens of what was delivered so far, by the platform's estimate. */
  delivered(): Delivered;
  usage(): UsageCounts | undefined;
  /** True: the upstream counted the beginning of the output and not its end. */
  partialUsage(): boolean;
  model(): string;
  /** Steps that carried content. */
  contentSteps(): number;
  /** True: some text was not kept because the answer is longer than `maxText`. */
  truncated(): boolean;
}

/**
 * Folds steps into an answer. Pieces are joined only when the answer is asked for. Beyond `maxText` characters text is
 * counted, not kept.
 */
export function createAnswerFold(countTokens: (text: string) => number, maxText: number): AnswerFold {
  const choices = new Map<number, OpenChoice>();
  const counts = createCountSum();
  let model = "";
  let contentSteps = 0;
  let textLength = 0;
  const visible = createTokenCount(countTokens);
  const thinking = createTokenCount(countTokens);
  let images = 0;
  let truncated = false;

  function choiceOf(index: number): OpenChoice {
    let choice = choices.get(index);
    if (choice === undefined) {
      choice = {
        parts: [],
        calls: new Map(),
        logprobs: [],
        finish: undefined,
        stopSequence: undefined,
        refused: undefined,
      };
      choices.set(index, choice);
    }
    return choice;
  }

  function addPiece(pieces: string[], text: string, tokens = visible): void {
    contentSteps++;
    tokens.add(text);
    textLength += text.length;
    if (textLength > maxText) truncated = true;
    else pieces.push(text);
  }

  function addText(index: number, type: OpenText["type"], text: string): void {
    const { parts } = choiceOf(index);
    let last = parts.at(-1);
    if (last?.type !== type || last.signature !== undefined) {
      last = { type, pieces: [] };
      parts.push(last);
    }
    addPiece(last.pieces, text, type === "thinking" ? thinking : visible);
  }

  return {
    add(event) {
      switch (event.type) {
        case "start":
          model = event.model;
          break;
        case "text":
        case "refusal":
        case "thinking":
          addText(event.choice, event.type, event.text);
          if (event.type === "text" && event.logprobs) choiceOf(event.choice).logprobs.push(event.logprobs);
          break;
        case "signature": {
          const { parts } = choiceOf(event.choice);
          const last = parts.at(-1);
          if (last?.type === "thinking" && last.signature === undefined) last.signature = event.signature;
          else parts.push({ type: "thinking", pieces: [], signature: event.signature });
          break;
        }
        case "redacted_thinking":
          choiceOf(event.choice).parts.push({ type: "redacted_thinking", signature: event.signature });
          break;
        case "tool_call": {
          const { parts, calls } = choiceOf(event.choice);
          const call: OpenCall = {
            type: "tool_call",
            id: event.id,
            name: event.name,
            custom: event.custom,
            signature: event.signature,
            pieces: [],
          };
          parts.push(call);
          calls.set(event.call, call);
          contentSteps++;
          visible.add(event.name);
          break;
        }
        case "tool_input": {
          const call = choiceOf(event.choice).calls.get(event.call);
          if (call !== undefined) addPiece(call.pieces, event.text);
          break;
        }
        case "image":
          contentSteps++;
          images++;
          textLength += event.data.length;
          if (textLength > maxText) truncated = true;
          else choiceOf(event.choice).parts.push({ type: "image", mediaType: event.mediaType, data: event.data });
          break;
        case "citation":
          choiceOf(event.choice).parts.push({ type: "citation", citation: event.citation });
          break;
        case "logprobs":
          choiceOf(event.choice).logprobs.push(event.value);
          break;
        case "finish": {
          const choice = choiceOf(event.choice);
          choice.finish = event.reason;
          choice.stopSequence = event.stopSequence;
          choice.refused = event.refused;
          break;
        }
        case "usage":
          counts.add(event.usage, event.partial === true);
          break;
      }
    },
    answer() {
      return {
        choices: [...choices.entries()]
          .sort(([a], [b]) => a - b)
          .map(([, choice]) => ({
            parts: choice.parts.map(closePart),
            finish: choice.finish,
            stopSequence: choice.stopSequence,
            ...(choice.refused === undefined ? {} : { refused: choice.refused }),
            ...(choice.logprobs.length === 0 ? {} : { logprobs: joinLogprobs(choice.logprobs) }),
          })),
        usage: counts.counts(),
        model,
      };
    },
    delivered() {
      return { visible: visible.total() + images * imageTokens, thinking: thinking.total() };
    },
    usage() {
      return counts.counts();
    },
    partialUsage() {
      return counts.isPartial();
    },
    model() {
      return model;
    },
    contentSteps() {
      return contentSteps;
    },
    truncated() {
      return truncated;
    },
  };
}

function closePart(part: OpenPart): AnswerPart {
  switch (part.type) {
    case "text":
    case "refusal":
      return { type: part.type, text: part.pieces.join("") };
    case "thinking":
      return { type: "thinking", text: part.pieces.join(""), signature: part.signature };
    case "tool_call": {
      const { id, name, custom, signature, pieces } = part;
      return { type: "tool_call", id, name, custom, signature, input: pieces.join("") };
    }
    default:
      return part;
  }
}

/** `{content: [...], refusal: [...]}` of many pieces as one. */
function joinLogprobs(values: readonly unknown[]): { content: unknown[] | null; refusal: unknown[] | null } {
  const content: unknown[] = [];
  const refusal: unknown[] = [];
  for (const value of values) {
    if (typeof value !== "object" || value === null) continue;
    const given = value as { content?: unknown; refusal?: unknown };
    for (const one of asArray(given.content)) content.push(one);
    for (const one of asArray(given.refusal)) refusal.push(one);
  }
  return { content: content.length === 0 ? null : content, refusal: refusal.length === 0 ? null : refusal };
}
