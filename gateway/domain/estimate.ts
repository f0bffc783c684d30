import { estimateTextTokens } from "../../shared/estimate-tokens.ts";

/** Tokens of one image: OpenAI's largest tiling (85 + 170 x 8 tiles) rounded up; its size is not known here. */
const imageTokens = 1_600;
/** Tokens of one audio or file part whose length is not known here (a URL, an uploaded file). */
const attachmentTokens = 2_000;
/** Most tokens that are believed of one attachment: a hundred dense pages. */
const maxAttachmentTokens = 200_000;
/** Base64 characters of a token: a page of PDF is at least 60 kB for about 2,000; a second of MP3 11 kB for about 10. */
const base64PerToken = { document: 30, audio: 1_000 };
/** Tokens that frame one message. */
const messageTokens = 4;

/** What was counted in a request's input. */
export interface InputEstimate {
  /** Input tokens. */
  readonly tokens: number;
  /** Images among the parts. */
  readonly images: number;
  /** Audio among the parts. */
  readonly audio: boolean;
}

/** The parts of all dialects that are not counted by their text. */
const attachments: Readonly<Record<string, "image" | "audio" | "document">> = {
  image: "image",
  image_url: "image",
  input_image: "image",
  input_audio: "audio",
  document: "document",
  file: "document",
  input_file: "document",
};

/**
 * Estimates the input of a list of messages and of anything else that is sent along with them, e.g. tools, given as
 * JSON values of any dialect. Images, audio and documents count by their kind wherever they are, also inside the results
 * of tools: their base64 is no text.
 */
export function estimateInput(messages: readonly unknown[], ...others: readonly unknown[]): InputEstimate {
  const found = { tokens: messages.length * messageTokens, images: 0, audio: false };
  // A stack of our own: how deep the values are is up to the client.
  const stack: unknown[] = [...others];
  for (const message of messages) stack.push(message);
  while (stack.length > 0) {
    const value = stack.pop();
    if (typeof value === "string") found.tokens += estimateTextTokens(value);
    else if (Array.isArray(value)) for (const item of value) stack.push(item);
    else if (typeof value === "object" && value !== null) countObject(value, stack, found);
    else if (value !== undefined && value !== null) found.tokens += 1;
  }
  return found;
}

function countObject(value: object, stack: unknown[], found: { tokens: number; images: number; audio: boolean }): void {
  const kind = attachmentKind(value);
  if (kind === "image") {
    found.images++;
    found.tokens += imageTokens;
  } else if (kind !== undefined) {
    if (kind === "audio") found.audio = true;
    found.tokens += attachment(value, base64PerToken[kind]);
  } else {
    for (const [name, item] of Object.entries(value)) {
      // Framing, which is counted with the message.
      if (name === "role") continue;
      if (name !== "content") found.tokens += 1 + (name.length >> 3);
      stack.push(item);
    }
  }
}

/** What an object is if it does not count by its text. A document that is given as text or parts counts by them. */
function attachmentKind(value: object): "image" | "audio" | "document" | undefined {
  const type = typeOf(value);
  if (!Object.hasOwn(attachments, type)) return undefined;
  const kind = attachments[type];
  const source = kind === "document" ? typeOf(Reflect.get(value, "source")) : "";
  return source === "text" || source === "content" ? undefined : kind;
}

function typeOf(value: unknown): string {
  const type: unknown = typeof value === "object" && value !== null ? Reflect.get(value, "type") : undefined;
  return typeof type === "string" ? type : "";
}

/** Tokens of an attachment: by its longest string, which is its data, its text or its address. */
function attachment(value: object, charactersPerToken: number): number {
  let longest = 0;
  const stack: unknown[] = [value];
  while (stack.length > 0) {
    const next = stack.pop();
    if (typeof next === "string") longest = Math.max(longest, next.length);
    else if (typeof next === "object" && next !== null) for (const item of Object.values(next)) stack.push(item);
  }
  const tokens = Math.ceil(longest / charactersPerToken);
  return Math.min(maxAttachmentTokens, Math.max(attachmentTokens, tokens));
}

/**
 * Input tokens to reserve: the estimate and half as much again, for text that packs worse than four characters a token
 * (code, digits, Cyrillic), with a floor of 16.
 */
export function reservedInputTokens(estimate: number): number {
  return Math.max(16, Math.ceil(estimate * 1.5));
}
