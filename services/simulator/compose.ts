import type { Behaviour } from "./behaviour.ts";
import { exampleOf } from "./example.ts";

/** A tool that the model may call. */
export interface AskedTool {
  readonly name: string;
  /** JSON Schema of its arguments. Absent: a custom tool, which takes free text. */
  readonly schema?: unknown;
}

/** What a request asks for, whatever its wire format. */
export interface Ask {
  readonly model: string;
  /** Text of the last user turn; empty if the last turn is not the user's (a tool's result, say). */
  readonly prompt: string;
  /** Length of all text of the input, in UTF-16 units. */
  readonly inputLength: number;
  /** Count of messages, images and other parts that cost tokens beyond their text. */
  readonly messages: number;
  readonly images: number;
  /** Bound on output tokens, reasoning included. Infinity: none. */
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly tools: readonly AskedTool[];
  /** "auto" calls a tool when the prompt contains the word "call"; "call all" calls every tool. */
  readonly toolChoice: "auto" | "none" | "required" | { readonly name: string };
  readonly parallelTools: boolean;
  readonly json: "" | "object" | { readonly schema: unknown };
  /** Tokens to reason before the answer. */
  readonly reasoningTokens: number;
}

/** One tool call of an answer. */
export interface ComposedCall {
  readonly name: string;
  readonly custom: boolean;
  /** The arguments (JSON) or the free text, in pieces of one token. */
  readonly pieces: readonly string[];
}

/** Why an answer ended. */
export type Finish = "stop" | "stop_sequence" | "length" | "calls" | "filtered";

/** One choice of an answer. Every piece is one token. */
export interface Composed {
  readonly reasoning: readonly string[];
  readonly text: readonly string[];
  readonly calls: readonly ComposedCall[];
  readonly finish: Finish;
  /** The stop sequence that ended it. */
  readonly stopSequence: string | null;
  /** Reasoning, text and arguments. */
  readonly outputTokens: number;
}

/** Tokens of the input. */
export interface InputTokens {
  /** All of them, cached ones included. */
  readonly total: number;
  readonly cached: number;
}

/**
 * The estimate of input tokens: a token for every 4 UTF-16 units, 4 a message, 85 an image, 3 for the answer's start.
 * Plausible for English, repeatable, and nearly free; it is no tokenizer.
 */
export function countInput(ask: Ask, behaviour: Behaviour): InputTokens {
  const total = Math.ceil(ask.inputLength / 4) + 4 * ask.messages + 85 * ask.images + 3;
  return { total, cached: Math.floor((total * behaviour.cachedPercent) / 100) };
}

const label = piecesOf("This answer is simulated by Throughline's test upstream; no model was asked. You said: ");
const filler = piecesOf(
  "river lantern orchard window copper meadow signal harbour velvet thunder marble compass saffron willow ember " +
    "glacier pepper violin canyon puzzle feather anchor crimson bottle ladder",
).map((word) => (word.startsWith(" ") ? word : ` ${word}`));
const kilobyte = `${"simulated text ".repeat(66)}${"x".repeat(9)}\n`;
const thinking = piecesOf("The simulator pretends to think about the question before it answers. ");

/** Composes one choice: deterministic in the ask, the behaviour and the choice's index. */
export function compose(ask: Ask, behaviour: Behaviour, index: number): Composed {
  const calls = behaviour.tokens < 0 && behaviour.largeKb === 0 ? composeCalls(ask) : [];
  const reasoning = cycle(thinking, behaviour.tokens < 0 ? ask.reasoningTokens : 0);
  const stopped = cutAtStop(calls.length > 0 ? [] : composeText(ask, behaviour, index), ask.stop);
  return cutAtLength(reasoning, stopped, calls, ask.maxTokens, behaviour.filtered);
}

function composeText(ask: Ask, behaviour: Behaviour, index: number): readonly string[] {
  if (behaviour.tokens >= 0) return cycle(filler, behaviour.tokens);
  if (behaviour.largeKb > 0) return new Array<string>(behaviour.largeKb).fill(kilobyte);
  if (ask.json === "object") return slice(JSON.stringify({ simulated: true, echo: opening(ask.prompt) }));
  if (typeof ask.json === "object") return slice(JSON.stringify(exampleOf(ask.json.schema)));
  let seed = hash(ask.model, hash(ask.prompt, (ask.inputLength ^ (index * 0x9e3779b1)) >>> 0));
  const text = label.concat(piecesOf(`"${opening(ask.prompt)}".`));
  for (let count = 12; count > 0; count -= 1) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    text.push(filler[(seed >>> 16) % filler.length] ?? "");
  }
  return text;
}

function composeCalls(ask: Ask): readonly ComposedCall[] {
  const { tools, toolChoice } = ask;
  if (tools.length === 0 || toolChoice === "none") return [];
  let called: readonly AskedTool[];
  if (typeof toolChoice === "object") {
    called = tools.filter((tool) => tool.name === toolChoice.name);
  } else if (toolChoice === "required" || /\bcall\b/i.test(ask.prompt)) {
    called = ask.parallelTools && /\bcall all\b/i.test(ask.prompt) ? tools : tools.slice(0, 1);
  } else {
    return [];
  }
  return called.map((tool) => ({
    name: tool.name,
    custom: tool.schema === undefined,
    pieces: slice(tool.schema === undefined ? "simulated input" : JSON.stringify(argumentsOf(tool.schema))),
  }));
}

function argumentsOf(schema: unknown): unknown {
  const value = exampleOf(schema);
  return typeof value === "object" && value !== null ? value : {};
}

function cutAtStop(text: readonly string[], stop: readonly string[]): { text: readonly string[]; by: string | null } {
  if (stop.length === 0) return { text, by: null };
  const whole = text.join("");
  let at = -1;
  let by: string | null = null;
  for (const sequence of stop) {
    const found = sequence === "" ? -1 : whole.indexOf(sequence);
    if (found !== -1 && (at === -1 || found < at)) {
      at = found;
      by = sequence;
    }
  }
  return by === null ? { text, by } : { text: piecesOf(whole.slice(0, at)), by };
}

function cutAtLength(
  reasoning: readonly string[],
  stopped: { text: readonly string[]; by: string | null },
  calls: readonly ComposedCall[],
  maxTokens: number,
  filtered: boolean,
): Composed {
  let left = maxTokens;
  const take = (pieces: readonly string[]): readonly string[] => {
    const taken = pieces.length <= left ? pieces : pieces.slice(0, left);
    left -= taken.length;
    return taken;
  };
  const wanted =
    reasoning.length + stopped.text.length + calls.reduce((sum, composedCall) => sum + composedCall.pieces.length, 0);
  const kept = {
    reasoning: take(reasoning),
    text: take(stopped.text),
    calls: calls.map((one) => ({ ...one, pieces: take(one.pieces) })).filter((one) => one.pieces.length > 0),
  };
  const outputTokens = Math.min(wanted, maxTokens);
  if (wanted > maxTokens) return { ...kept, finish: "length", stopSequence: null, outputTokens };
  if (filtered) return { ...kept, finish: "filtered", stopSequence: null, outputTokens };
  if (calls.length > 0) return { ...kept, finish: "calls", stopSequence: null, outputTokens };
  return {
    ...kept,
    finish: stopped.by === null ? "stop" : "stop_sequence",
    stopSequence: stopped.by,
    outputTokens,
  };
}

/** The first 80 units, without half of a surrogate pair at the end. */
function opening(text: string): string {
  return text.slice(0, 80).replace(/[\ud800-\udbff]$/, "");
}

/** Cuts text into words with the space before each: one piece is one token. */
function piecesOf(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

/** Cuts text that has no words (JSON) into pieces of 8 characters, without tearing a surrogate pair. */
function slice(text: string): string[] {
  return text.match(/[\s\S]{1,8}(?![\udc00-\udfff])/g) ?? [];
}

function cycle(pieces: readonly string[], count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => pieces[index % pieces.length] ?? "");
}

/** FNV-1a over the first 256 units: enough to tell prompts apart, and bounded. */
function hash(text: string, seed: number): number {
  let value = seed ^ 0x811c9dc5;
  const length = Math.min(text.length, 256);
  for (let index = 0; index < length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
