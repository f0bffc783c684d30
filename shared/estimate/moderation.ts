import { mediaKindOf, mediaTokens } from "./media.ts";
import { estimateTextTokens } from "./text.ts";

/** Tokens of what is to be judged: of all inputs together, and of the longest. */
export interface ModerationEstimate {
  readonly all: number;
  readonly longest: number;
}

/** Estimates the `input` of a moderation: a text, texts, or parts with texts and images. */
export function moderationEstimate(input: unknown): ModerationEstimate {
  let all = 0;
  let longest = 0;
  for (const one of Array.isArray(input) ? input : [input]) {
    const tokens = tokensOf(one);
    all += tokens;
    longest = Math.max(longest, tokens);
  }
  return { all, longest };
}

function tokensOf(input: unknown): number {
  if (typeof input === "string") return estimateTextTokens(input);
  if (typeof input !== "object" || input === null) return 0;
  const kind = mediaKindOf(input);
  if (kind !== undefined) return mediaTokens(kind, input);
  const text: unknown = Reflect.get(input, "text");
  return typeof text === "string" ? estimateTextTokens(text) : 0;
}
