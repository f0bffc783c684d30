import { dataKindOf, dataTokens, type MediaKind, mediaKindOf, mediaTokens } from "./media.ts";
import { estimateTextTokens } from "./text.ts";

/** Tokens that frame one message. */
const messageTokens = 4;

/** What was counted in a request's input. */
export interface InputEstimate {
  /** Input tokens, those of images and of audio among them. */
  readonly tokens: number;
  /** How many of these tokens come from images. */
  readonly imageTokens: number;
  /** How many of these tokens come from audio. */
  readonly audioTokens: number;
  /** Images among the parts. */
  readonly images: number;
  /** Audio among the parts. */
  readonly audio: boolean;
}

type Growing = { -readonly [Name in keyof InputEstimate]: InputEstimate[Name] };

/** Fields of all dialects that are lists of messages. */
const lists = ["messages", "input", "contents"] as const;
/** Other fields of all dialects that a model reads. */
const others = [
  "system",
  "instructions",
  "prompt",
  "suffix",
  "tools",
  "functions",
  "response_format",
  "systemInstruction",
] as const;
/** Objects of which one field is read by the model: the form that the answer must have. */
const forms = ["output_config", "text"] as const;

/**
 * Estimates the input of a request, given as the parsed body of any dialect. There is one estimate of a request: what is
 * reserved for it goes by it, and so does what is charged where the upstream does not count.
 */
export function estimateRequest(body: object): InputEstimate {
  const fields = body as Readonly<Record<string, unknown>>;
  const values: unknown[] = [];
  let framed = 0;
  for (const name of lists) {
    const list = fields[name];
    if (list === undefined || list === null) continue;
    framed += Array.isArray(list) ? list.length : 1;
    values.push(list);
  }
  for (const name of others) values.push(fields[name]);
  for (const name of forms) {
    const form = fields[name];
    if (typeof form === "object" && form !== null) values.push(Reflect.get(form, "format"));
  }
  return estimateValues(framed, values);
}

/**
 * Images, audio and documents count by their kind wherever they are, also inside the results of tools: their base64 is no
 * text. Work is in proportion to the values.
 */
function estimateValues(messages: number, values: unknown[]): InputEstimate {
  const found: Growing = { tokens: messages * messageTokens, imageTokens: 0, audioTokens: 0, images: 0, audio: false };
  // A stack of our own: how deep the values are is up to the client.
  const stack = values;
  while (stack.length > 0) {
    const value = stack.pop();
    if (typeof value === "string") countText(value, found);
    else if (Array.isArray(value)) for (const item of value) stack.push(item);
    else if (typeof value === "object" && value !== null) countObject(value, stack, found);
    else if (value !== undefined && value !== null) found.tokens += 1;
  }
  return found;
}

function countText(text: string, found: Growing): void {
  const kind = dataKindOf(text);
  if (kind === undefined) found.tokens += estimateTextTokens(text);
  else countMedium(kind, dataTokens(kind, text), found);
}

function countObject(value: object, stack: unknown[], found: Growing): void {
  const kind = mediaKindOf(value);
  if (kind !== undefined) {
    countMedium(kind, mediaTokens(kind, value), found);
    return;
  }
  for (const [name, item] of Object.entries(value)) {
    // Framing, which is counted with the message.
    if (name === "role") continue;
    if (name !== "content") found.tokens += 1 + (name.length >> 3);
    stack.push(item);
  }
}

function countMedium(kind: MediaKind, tokens: number, found: Growing): void {
  if (kind === "image") {
    found.images++;
    found.imageTokens += tokens;
  } else if (kind === "audio") {
    found.audio = true;
    found.audioTokens += tokens;
  }
  found.tokens += tokens;
}
