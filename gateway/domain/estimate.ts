import { estimateTextTokens } from "../../shared/estimate-tokens.ts";

/** Tokens of one image: OpenAI's largest tiling (85 + 170 x 8 tiles) rounded up; its size is not known here. */
const imageTokens = 1_600;
/** Tokens of one audio or file part, whose length is not known here. */
const attachmentTokens = 2_000;
/** Tokens that frame one message. */
const messageTokens = 4;

/** What was counted in a request's messages. */
export interface InputEstimate {
  /** Input tokens. */
  readonly tokens: number;
  /** Images among the parts. */
  readonly images: number;
  /** Audio among the parts. */
  readonly audio: boolean;
}

interface Part {
  readonly type?: unknown;
  readonly text?: unknown;
}

interface Message {
  readonly content?: string | readonly Part[] | null;
  readonly [field: string]: unknown;
}

/**
 * Estimates the input of a list of messages (chat and Anthropic shapes) and of anything else that is sent along with
 * them, e.g. tools, given as JSON values.
 */
export function estimateInput(messages: readonly Message[], ...others: readonly unknown[]): InputEstimate {
  const found = { tokens: 0, images: 0, audio: false };
  for (const message of messages) {
    found.tokens += messageTokens;
    for (const [field, value] of Object.entries(message)) {
      if (field === "content" && Array.isArray(value)) for (const part of value) countPart(part, found);
      else if (field !== "role") found.tokens += jsonTokens(value);
    }
  }
  for (const other of others) found.tokens += jsonTokens(other);
  return found;
}

function countPart(part: Part, found: { tokens: number; images: number; audio: boolean }): void {
  const type = typeof part.type === "string" ? part.type : "";
  if (type.includes("image")) {
    found.images++;
    found.tokens += imageTokens;
  } else if (type.includes("audio")) {
    found.audio = true;
    found.tokens += attachmentTokens;
  } else if (type === "file" || type === "document" || type === "input_file") found.tokens += attachmentTokens;
  else found.tokens += jsonTokens(part);
}

/** Tokens of a JSON value: its strings, and one for each name and scalar. Walks without recursion: depth is the client's. */
function jsonTokens(value: unknown): number {
  if (typeof value === "string") return estimateTextTokens(value);
  if (typeof value !== "object" || value === null) return value === undefined || value === null ? 0 : 1;
  let tokens = 0;
  const stack: unknown[] = [value];
  while (stack.length > 0) {
    const next = stack.pop();
    if (typeof next === "string") tokens += estimateTextTokens(next);
    else if (Array.isArray(next)) for (const item of next) stack.push(item);
    else if (typeof next === "object" && next !== null) {
      for (const [name, item] of Object.entries(next)) {
        tokens += 1 + (name.length >> 3);
        stack.push(item);
      }
    } else tokens += 1;
  }
  return tokens;
}

/**
 * Input tokens to reserve: the estimate and half as much again, for text that packs worse than four characters a token
 * (code, digits, Cyrillic), with a floor of 16.
 */
export function reservedInputTokens(estimate: number): number {
  return Math.max(16, Math.ceil(estimate * 1.5));
}
