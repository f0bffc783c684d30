import type { Behaviour } from "./behaviour.ts";
import type { Json } from "./json.ts";

/** Tokens of each kind in so many. */
export interface Kinds {
  readonly audio: number;
  readonly image: number;
}

/** How many of the tokens a behaviour reports as audio and as images; together at most all of them. */
export function kindsIn(tokens: number, { audioPercent, imagePercent }: Behaviour): Kinds {
  const audio = Math.floor((tokens * audioPercent) / 100);
  return { audio, image: Math.min(tokens - audio, Math.floor((tokens * imagePercent) / 100)) };
}

/** How many tokens a behaviour reports as written to a cache for an hour: of those that it did not read from one. */
export function writtenForHour(fresh: number, { writtenPercent }: Behaviour): number {
  return Math.floor((fresh * writtenPercent) / 100);
}

/** What OpenRouter adds to a usage; nothing for most behaviours. */
export function vendorFields({ searches, costNanoUsd }: Behaviour): Json {
  return {
    ...(searches > 0 ? { server_tool_use: { web_search_requests: searches } } : {}),
    ...(costNanoUsd > 0 ? { cost: costNanoUsd / 1e9, is_byok: false } : {}),
  };
}

/** Gemini's list of the kinds of tokens; nothing where all is text. */
export function modalities(name: string, tokens: number, behaviour: Behaviour): Json {
  const { audio, image } = kindsIn(tokens, behaviour);
  if (audio + image === 0) return {};
  const counts = { TEXT: tokens - audio - image, AUDIO: audio, IMAGE: image };
  const told = Object.entries(counts).filter(([, tokenCount]) => tokenCount > 0);
  return { [name]: told.map(([modality, tokenCount]) => ({ modality, tokenCount })) };
}
