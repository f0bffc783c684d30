import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { asArray, asObject, asString, countOf, type JsonObject } from "../../wire/json.ts";

/** One document's place in an answer. */
export interface Ranked {
  /** Place of the document in the request. */
  readonly index: number;
  readonly score: number;
}

/** What an upstream answered. */
export interface Ranking {
  /** In the upstream's order. */
  readonly results: readonly Ranked[];
  /** Empty: it did not say. */
  readonly model: string;
  /** The upstream's name of the request; undefined: it has none. */
  readonly id: string | undefined;
  /** Undefined: it did not count. */
  readonly tokens: number | undefined;
  /** Search units; undefined: it did not count. */
  readonly searches: number | undefined;
  /** What the upstream charges, in nano-USD; undefined: it did not say. */
  readonly costNanoUsd: bigint | undefined;
}

/**
 * Reads an answer in any of the vendors' shapes: they differ in names alone (`results`, `data` or the list itself;
 * `relevance_score` or `score`). Undefined: it is no ranking.
 */
export function readRanking(json: unknown): Ranking | undefined {
  const top = asObject(json) ?? {};
  const list = Array.isArray(json) ? json : (top.results ?? top.data);
  if (!Array.isArray(list)) return undefined;
  const meta = asObject(top.meta);
  const usage = asObject(top.usage) ?? {};
  return {
    results: list.map(toRanked),
    model: asString(top.model) ?? "",
    id: asString(top.id) ?? asString(top.request_id),
    tokens: tokensOf(usage) ?? tokensOf(asObject(meta?.tokens) ?? {}) ?? tokensOf(asObject(meta?.billed_units) ?? {}),
    // As of tokens: a ranking is a search, so a count of 0 is none.
    searches: countOf(asObject(meta?.billed_units)?.search_units) || countOf(usage.search_units) || undefined,
    costNanoUsd: costOf(usage.cost),
  };
}

/** A request has an input, so a count of 0 is none. */
function tokensOf(counts: JsonObject): number | undefined {
  return countOf(counts.total_tokens) || countOf(counts.prompt_tokens) || countOf(counts.input_tokens) || undefined;
}

/** Most that is believed of one ranking's cost, in USD. */
const maxCostUsd = 1_000_000;

function costOf(usd: unknown): bigint | undefined {
  return typeof usd === "number" && usd >= 0 && usd <= maxCostUsd ? BigInt(Math.round(usd * 1e9)) : undefined;
}

function toRanked(raw: unknown): Ranked {
  const { index, relevance_score: relevance, score } = asObject(raw) ?? {};
  return { index: numberOf(index), score: numberOf(relevance ?? score) };
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}

/**
 * The best results of a ranking, the most relevant first; of equal ones the earlier document. Throws upstream_error for
 * a ranking that cannot be true: a client would take the wrong document for the right one.
 *
 * @param documents how many there were in the request.
 */
export function bestOf(results: readonly Ranked[], documents: number, topN: number): readonly Ranked[] {
  if (results.length === 0) throw wrong("without any result");
  const seen = new Set<number>();
  for (const { index, score } of results) {
    if (!Number.isInteger(index) || index < 0 || index >= documents) throw wrong("of a document that was not given");
    if (seen.has(index)) throw wrong("that names a document twice");
    if (!Number.isFinite(score)) throw wrong("with a score that is no number");
    seen.add(index);
  }
  return results.toSorted((a, b) => b.score - a.score || a.index - b.index).slice(0, topN);
}

function wrong(how: string): ThroughlineError {
  return new ThroughlineError("upstream_error", `The upstream gave a ranking ${how}.`);
}

/** Error objects inside an answer with status 200: `{error: {...}}`, or flat as `{code, message}`. */
export function errorOf(json: unknown): JsonObject | undefined {
  const top = asObject(json);
  if (top === undefined) return undefined;
  const inner = asObject(top.error);
  if (inner !== undefined) return inner;
  if (typeof top.error === "string") return { message: top.error };
  return asString(top.message) === undefined || asArray(top.results).length > 0 ? undefined : top;
}
