import { ThroughlineError } from "../../../shared/errors/error.ts";
import { estimateTextTokens } from "../../../shared/estimate/text.ts";

/** Most inputs of one request, as OpenAI takes them. */
const maxInputs = 2_048;
/** Largest number of a token: above every vocabulary's. */
const maxToken = 2 ** 31 - 1;

/** What is known of a checked input. */
export interface CheckedInput {
  /** Tokens of the texts, by the platform's estimate. */
  readonly textTokens: number;
  /** Tokens that were given as numbers. */
  readonly givenTokens: number;
}

/**
 * Checks `input`: a text, a list of texts, a list of tokens, or a list of lists of tokens. Throws invalid_value with the path
 * of what is wrong ("input[3]"). It is one walk over the values: a schema of four shapes would try each of them on 300,000
 * tokens, and could not say which shape the client meant.
 */
export function checkInput(input: unknown): CheckedInput {
  if (typeof input === "string") return { textTokens: tokensOf(input, "input"), givenTokens: 0 };
  if (!Array.isArray(input)) throw wrong("input", "must be a string, a list of strings, or a list of tokens");
  if (input.length === 0) throw wrong("input", "must not be empty");
  if (typeof input[0] === "number") return { textTokens: 0, givenTokens: checkTokens(input, "input") };
  if (input.length > maxInputs) throw wrong("input", `has ${input.length} entries; at most ${maxInputs} are taken`);
  let textTokens = 0;
  let givenTokens = 0;
  for (const [index, entry] of input.entries()) {
    const path = `input[${index}]`;
    if (typeof entry === "string") textTokens += tokensOf(entry, path);
    else if (Array.isArray(entry) && entry.length > 0) givenTokens += checkTokens(entry, path);
    else throw wrong(path, Array.isArray(entry) ? "must not be empty" : "must be a string or a list of tokens");
  }
  return { textTokens, givenTokens };
}

function tokensOf(text: string, path: string): number {
  if (text === "") throw wrong(path, "must not be an empty string");
  return estimateTextTokens(text);
}

function checkTokens(tokens: readonly unknown[], path: string): number {
  const at = tokens.findIndex(
    (token) => typeof token !== "number" || !Number.isInteger(token) || token < 0 || token > maxToken,
  );
  if (at >= 0) throw wrong(`${path}[${at}]`, `must be a token: a whole number from 0 to ${maxToken}`);
  return tokens.length;
}

function wrong(param: string, what: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${param} ${what}.`, { param });
}
