/** What a generation of the vendor's models takes. */
export interface Generation {
  /** E.g. 4.6. */
  readonly version: number;
  /** Thinking with a budget of tokens. */
  readonly budgetThinking: boolean;
  /** Thinking whose amount the model chooses, guided by an effort. */
  readonly adaptiveThinking: boolean;
  /** Efforts that it knows. */
  readonly efforts: ReadonlySet<string>;
  /** temperature, top_p and top_k other than the defaults. */
  readonly sampling: boolean;
  /** temperature and top_p in one request. */
  readonly bothSamplings: boolean;
  /** output_config.format and strict tools. */
  readonly structuredOutput: boolean;
  /** Thinking is shown only where asked for. */
  readonly hidesThinking: boolean;
  /** It thinks unless told not to. */
  readonly thinksByDefault: boolean;
  /** System messages may stand among the turns. */
  readonly systemTurns: boolean;
  /** Most output tokens of one answer. */
  readonly maxOutputTokens: number;
}

/** Version of an unknown name: the newest that still takes everything. */
const unknownVersion = 4.6;

/**
 * Version in a model's name: the numbers stand behind the family (claude-sonnet-4-6) or before it (claude-3-7-sonnet); a
 * date of eight digits is none.
 */
export function versionOf(model: string): number {
  const found = /claude-(?:[a-z]+-)?(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?/i.exec(model);
  return found === null ? unknownVersion : Number(found[1]) + Number(found[2] ?? 0) / 10;
}

/**
 * Budgets came with 3.7, structured outputs with 4.1 (which also takes only one of temperature and top_p), adaptive thinking
 * and efforts with 4.6; from 4.7 on budgets and sampling are refused, and thinking is hidden unless asked for
 * (platform.claude.com/docs: adaptive-thinking, whats-new-claude-4-6, migration to 4.7).
 */
export function generationOf(model: string): Generation {
  const version = versionOf(model);
  return {
    version,
    budgetThinking: version >= 3.7 && version < 4.7,
    adaptiveThinking: version >= 4.6,
    efforts: new Set(version >= 4.7 ? ["low", "medium", "high", "xhigh", "max"] : ["low", "medium", "high", "max"]),
    sampling: version < 4.7,
    bothSamplings: version < 4.1,
    structuredOutput: version >= 4.1,
    hidesThinking: version >= 4.7,
    thinksByDefault: version >= 5,
    systemTurns: version >= 4.8,
    maxOutputTokens: maxOutputOf(model, version),
  };
}

function maxOutputOf(model: string, version: number): number {
  if (version < 3.5) return 4_096;
  if (version < 3.7) return 8_192;
  if (/opus/i.test(model)) return version < 4.5 ? 32_000 : version < 4.6 ? 64_000 : 128_000;
  return version < 5 ? 64_000 : 128_000;
}
