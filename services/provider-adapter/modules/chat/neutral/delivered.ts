import { estimateTextTokens } from "../../../../../shared/estimate/text.ts";
import type { NeutralAnswer } from "./answer.ts";
import type { Delivered } from "./usage.ts";

/** Tokens of one image of an answer: what Gemini's image models count, rounded up. */
export const imageTokens = 1_300;

/** Counts the tokens of a text that comes in pieces. */
export interface TokenCount {
  add(piece: string): void;
  total(): number;
}

/** Counts in batches: one count of a long text costs less than many of short ones, and packs as the whole text does. */
export function createTokenCount(countTokens: (text: string) => number): TokenCount {
  let tokens = 0;
  let pieces: string[] = [];
  let length = 0;
  const countAll = () => {
    if (pieces.length > 0) tokens += countTokens(pieces.join(""));
    pieces = [];
    length = 0;
  };
  return {
    add(piece) {
      pieces.push(piece);
      length += piece.length;
      if (length > 16_384) countAll();
    },
    total() {
      countAll();
      return tokens;
    },
  };
}

/** Tokens of what a whole answer delivers. */
export function deliveredBy(answer: Pick<NeutralAnswer, "choices">): Delivered {
  let visible = 0;
  let thinking = 0;
  for (const { parts } of answer.choices) {
    for (const part of parts) {
      if (part.type === "text" || part.type === "refusal") visible += estimateTextTokens(part.text);
      else if (part.type === "thinking") thinking += estimateTextTokens(part.text);
      else if (part.type === "tool_call") visible += estimateTextTokens(part.name) + estimateTextTokens(part.input);
      else if (part.type === "image") visible += imageTokens;
    }
  }
  return { visible, thinking };
}
