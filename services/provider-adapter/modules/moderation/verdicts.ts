import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { asArray, asObject, asString, type JsonObject } from "../../wire/json.ts";

/** What an upstream says of one input, in the shape that clients know. */
export type Verdict = JsonObject & { readonly flagged: boolean };

/** What an upstream answered. */
export interface Verdicts {
  readonly results: readonly Verdict[];
  /** Empty: it did not say. */
  readonly model: string;
  /** The upstream's name of the request; undefined: it has none. */
  readonly id: string | undefined;
  /** Undefined: it did not count. */
  readonly tokens: number | undefined;
}

/**
 * One verdict in OpenAI's shape, of an upstream that may leave `flagged` out: then any category that holds flags it. Scores and
 * categories may be null, as those of `illicit` are in older models. Undefined: it is no verdict.
 */
export function verdictOf(raw: unknown): Verdict | undefined {
  const given = asObject(raw);
  const categories = asObject(given?.categories);
  if (given === undefined || categories === undefined) return undefined;
  if (!Object.values(categories).every(isSwitch)) return undefined;
  const scores = asObject(given.category_scores) ?? {};
  if (!Object.values(scores).every(isScore)) return undefined;
  const flagged = given.flagged ?? Object.values(categories).includes(true);
  if (typeof flagged !== "boolean") return undefined;
  return {
    ...given,
    flagged,
    categories,
    category_scores: scores,
    category_applied_input_types: asObject(given.category_applied_input_types) ?? {},
  };
}

function isSwitch(value: unknown): boolean {
  return typeof value === "boolean" || value === null;
}

function isScore(value: unknown): boolean {
  return value === null || (typeof value === "number" && value >= 0 && value <= 1);
}

/** The verdicts of an answer whose inputs were so many. Throws upstream_error for one that cannot be true. */
export function checkedVerdicts(list: readonly (Verdict | undefined)[], inputs: number): readonly Verdict[] {
  if (list.length !== inputs) throw wrong(`gave ${list.length} verdicts on ${inputs} inputs`);
  return list.map((verdict) => verdict ?? no(wrong("gave a verdict that is none")));
}

function no(error: ThroughlineError): never {
  throw error;
}

function wrong(how: string): ThroughlineError {
  return new ThroughlineError("upstream_error", `The upstream ${how}.`);
}

/** The list of an answer: undefined where it has none. */
export function listIn(top: JsonObject | undefined, name: string): readonly unknown[] | undefined {
  return Array.isArray(top?.[name]) ? asArray(top[name]) : undefined;
}

/** Names that an answer says. */
export function namesIn(top: JsonObject | undefined): Pick<Verdicts, "model" | "id"> {
  return { model: asString(top?.model) ?? "", id: asString(top?.id) };
}
