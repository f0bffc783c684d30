import { deliverJson } from "../deliver.ts";
import { type Exchange, InvalidRequest, type Route, type WireFormat } from "../exchange.ts";
import { arrayOf, countOf, isObject, type Json, stringOf } from "../json.ts";
import { openaiFormat } from "./openai.ts";

/** How one vendor names what a ranking has. */
interface RerankStyle {
  readonly format: WireFormat;
  /** Field of the request that holds the documents. */
  readonly documents: "documents" | "texts";
  /** Field of the request that bounds the results; empty: there is none. */
  readonly bound: "top_n" | "top_k" | "";
  write(ranked: readonly Ranked[], counted: Counted): unknown;
}

interface Ranked {
  readonly index: number;
  readonly score: number;
  readonly text: string;
}

interface Counted {
  readonly id: string;
  readonly model: string;
  /** Undefined: usage is left out. */
  readonly tokens: number | undefined;
  readonly searches: number;
  readonly returned: boolean;
}

const results = (ranked: readonly Ranked[], returned: boolean, document: (text: string) => unknown) =>
  ranked.map(({ index, score, text }) => ({
    index,
    relevance_score: score,
    ...(returned ? { document: document(text) } : {}),
  }));

/** Cohere: search units, and errors of one field. */
export const cohereFormat: WireFormat = {
  requestIdHeader: "x-debug-trace-id",
  errorBody: ({ message }, id) => JSON.stringify({ id, message }),
};

/** DashScope: errors are flat. */
export const dashscopeFormat: WireFormat = {
  requestIdHeader: "x-dashscope-request-id",
  errorBody: ({ code, message }, request_id) => JSON.stringify({ code, message, request_id }),
};

/** text-embeddings-inference: errors are flat, and there is no request ID. */
const teiFormat: WireFormat = {
  requestIdHeader: "",
  errorBody: ({ code, message }) => JSON.stringify({ error: message, error_type: code }),
};

const cohere: RerankStyle = {
  format: cohereFormat,
  documents: "documents",
  bound: "top_n",
  write: (ranked, { id, tokens, searches, returned }) => ({
    id,
    results: results(ranked, returned, (text) => ({ text })),
    meta: {
      api_version: { version: "2" },
      ...(tokens === undefined ? {} : { billed_units: { search_units: searches } }),
    },
  }),
};

const jina: RerankStyle = {
  format: openaiFormat,
  documents: "documents",
  bound: "top_n",
  write: (ranked, { model, tokens, returned }) => ({
    object: "list",
    model,
    results: results(ranked, returned, (text) => ({ text })),
    ...(tokens === undefined ? {} : { usage: { total_tokens: tokens, prompt_tokens: tokens } }),
  }),
};

const voyage: RerankStyle = {
  format: openaiFormat,
  documents: "documents",
  bound: "top_k",
  write: (ranked, { model, tokens, returned }) => ({
    object: "list",
    data: results(ranked, returned, (text) => text),
    model,
    ...(tokens === undefined ? {} : { usage: { total_tokens: tokens } }),
  }),
};

const dashscope: RerankStyle = {
  format: dashscopeFormat,
  documents: "documents",
  bound: "top_n",
  write: (ranked, { id, model, tokens, returned }) => ({
    id,
    object: "list",
    model,
    results: results(ranked, returned, (text) => ({ text })),
    ...(tokens === undefined ? {} : { usage: { total_tokens: tokens } }),
  }),
};

const tei: RerankStyle = {
  format: teiFormat,
  documents: "texts",
  bound: "",
  write: (ranked, { returned }) =>
    ranked.map(({ index, score, text }) => ({ index, score, ...(returned ? { text } : {}) })),
};

function routeOf(styleOf: (body: Json) => RerankStyle, format: WireFormat): Route {
  return {
    format,
    readsBody: true,
    answer(exchange, body) {
      const style = styleOf(body);
      const texts = arrayOf(body[style.documents]).map(textOf);
      if (stringOf(body.query) === "") throw new InvalidRequest("'$.query' is required.", "query");
      if (texts.length === 0) throw new InvalidRequest(`'$.${style.documents}' must not be empty.`, style.documents);
      const bound = style.bound === "" ? undefined : countOf(body[style.bound]);
      const best = rank(stringOf(body.query), texts).slice(0, bound ?? texts.length);
      const unsorted = exchange.behaviour.ranking === "unsorted";
      const ranked = unsorted ? best.toSorted((a, b) => a.index - b.index) : best;
      const tokens = texts.reduce((sum, text) => sum + tokensOf(text) + tokensOf(stringOf(body.query)), 0);
      const answer = style.write(misplaced(exchange, ranked, texts.length), {
        id: exchange.id,
        model: exchange.model,
        tokens: exchange.behaviour.usage ? tokens : undefined,
        searches: Math.ceil(texts.length / 100),
        returned: body.return_documents === true || body.return_text === true,
      });
      // As servers in Python write it.
      const text = JSON.stringify(answer).replaceAll(`"${notANumber}"`, "NaN");
      deliverJson(exchange, style.format, text);
    },
  };
}

/** POST /v2/rerank: Cohere. */
export const cohereRerank = routeOf(() => cohere, cohereFormat);
/** POST /v1/rerank and /rerank: Voyage where the body says top_k, else Jina and all who follow it. */
export const rerank = routeOf((body) => ("top_k" in body ? voyage : jina), openaiFormat);
/** POST /compatible-api/v1/reranks: DashScope. */
export const dashscopeRerank = routeOf(() => dashscope, dashscopeFormat);
/** POST /tei/{model}/rerank: text-embeddings-inference, whose requests name no model. */
export const teiRerank = routeOf(() => tei, teiFormat);

function textOf(document: unknown): string {
  if (isObject(document)) return stringOf(document.text) || JSON.stringify(document);
  return stringOf(document);
}

function tokensOf(text: string): number {
  return Math.ceil(text.length / 4);
}

const notANumber = "not a number";

/** The documents with most words of the query first; repeatable, and no two are alike. */
function rank(query: string, texts: readonly string[]): readonly Ranked[] {
  const asked = wordsOf(query);
  const scored = texts.map((text, index) => {
    const found = wordsOf(text);
    const shared = [...asked].filter((word) => found.has(word)).length / Math.max(1, asked.size);
    return { index, score: Math.round((0.05 + 0.9 * shared - index * 1e-6) * 1e6) / 1e6, text };
  });
  return scored.toSorted((a, b) => b.score - a.score);
}

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
}

/** The ranking as the model's name wants it wrong. */
function misplaced({ behaviour }: Exchange, ranked: readonly Ranked[], documents: number): readonly Ranked[] {
  if (behaviour.empty === "content") return [];
  const [best] = ranked;
  if (best === undefined) return ranked;
  if (behaviour.nan) return ranked.map((one) => ({ ...one, score: notANumber as unknown as number }));
  if (behaviour.ranking === "unknown") return [...ranked.slice(1), { ...best, index: documents }];
  if (behaviour.ranking === "twice") return [best, ...ranked];
  return ranked;
}
