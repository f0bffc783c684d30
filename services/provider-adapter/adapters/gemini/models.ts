/** How a model takes thinking. */
export type Thinking =
  | { readonly by: "nothing" }
  /** A budget of tokens. `off`: 0 is taken too. */
  | { readonly by: "budget"; readonly min: number; readonly max: number; readonly off: boolean }
  /** A level; from the least to the most. Empty: it thinks as it does, only whether it is shown can be said. */
  | { readonly by: "level"; readonly levels: readonly string[] };

/** What a generation of the vendor's models takes. */
export interface Generation {
  readonly thinking: Thinking;
  /** A JSON Schema as it is; false: only a subset of OpenAPI's. */
  readonly jsonSchema: boolean;
  /** Search of the web and functions in one request; structured output beside either. */
  readonly toolsTogether: boolean;
  /** The first call of a turn must come back with its signature, or with the word that stands for a foreign one. */
  readonly signedCalls: boolean;
  /** Every search of the web is billed; false: every request that searches, however often. */
  readonly searchesBilled: boolean;
  /** Images of 2K and 4K may be asked for; false: all have about a million pixels. */
  readonly imageSizes: boolean;
}

/** Version of an unknown name: the newest. */
const unknownVersion = 3.1;

/** Version in a model's name (gemini-2.5-pro, gemini-3-flash-preview). */
function versionOf(model: string): number {
  const found = /gemini-(\d)(?:\.(\d))?(?![\d.])/i.exec(model);
  return found === null ? unknownVersion : Number(found[1]) + Number(found[2] ?? 0) / 10;
}

/**
 * Thinking came with 2.5, by a budget; 3 takes a level and refuses both at once (wire/gemini.md sections 2 and 6;
 * ai.google.dev/gemini-api/docs/thinking: ranges of the budgets). JSON Schema came with 2.5; search beside
 * functions, structured output beside either and signatures that are demanded came with 3, and with it searches that are billed one by one
 * (ai.google.dev/gemini-api/docs/google-search: "Pricing").
 */
export function generationOf(model: string): Generation {
  const version = /gemma|learnlm/i.test(model) ? 2 : versionOf(model);
  return {
    thinking: thinkingOf(model, version),
    jsonSchema: version >= 2.5,
    toolsTogether: version >= 3,
    signedCalls: version >= 3,
    searchesBilled: version >= 3,
    imageSizes: version >= 3,
  };
}

function thinkingOf(model: string, version: number): Thinking {
  if (version < 2.5) return { by: "nothing" };
  const image = /-image/i.test(model);
  if (version < 3) {
    if (image) return { by: "nothing" };
    if (/lite/i.test(model)) return { by: "budget", min: 512, max: 24_576, off: true };
    if (/pro/i.test(model)) return { by: "budget", min: 128, max: 32_768, off: false };
    return { by: "budget", min: 1, max: 24_576, off: true };
  }
  if (image) return { by: "level", levels: [] };
  if (/pro/i.test(model)) return { by: "level", levels: version < 3.1 ? ["low", "high"] : ["low", "medium", "high"] };
  return { by: "level", levels: ["minimal", "low", "medium", "high"] };
}
