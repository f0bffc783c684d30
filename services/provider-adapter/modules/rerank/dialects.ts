import type { JsonObject } from "../../wire/json.ts";
import type { Ranked } from "./ranking.ts";
import type { RerankRequest } from "./request.ts";

/** How a client wants its answer: what differs between those who ask for a ranking. */
export interface RerankDialect {
  readonly name: string;
  /** What `meta.api_version` says. */
  readonly version: string;
  /** Documents come back where the client does not say whether they shall. */
  readonly returnsDocuments: boolean;
}

/**
 * Cohere's second version, whose answers have no documents, and the shape of Jina, which Cohere's first version shares.
 * Jina's clients read the documents unless they say that they want none.
 */
export const rerankDialects: readonly RerankDialect[] = [
  { name: "cohere.rerank", version: "2", returnsDocuments: false },
  { name: "jina.rerank", version: "1", returnsDocuments: true },
];

/** What is told of one answer. */
export interface AnswerHead {
  readonly id: string;
  readonly model: string;
  readonly tokens: number;
  readonly searches: number;
}

/** The answer for the client: both ways of counting stand in it, whichever the client knows. */
export function writeRanking(
  { version, returnsDocuments }: RerankDialect,
  request: RerankRequest,
  results: readonly Ranked[],
  { id, model, tokens, searches }: AnswerHead,
): JsonObject {
  const documented = request.returnDocuments ?? returnsDocuments;
  return {
    id,
    object: "list",
    model,
    results: results.map(({ index, score }) => ({
      index,
      relevance_score: score,
      ...(documented ? { document: documentOf(request.given[index]) } : {}),
    })),
    usage: { total_tokens: tokens, prompt_tokens: tokens },
    meta: { api_version: { version }, billed_units: { search_units: searches }, tokens: { input_tokens: tokens } },
  };
}

/** Clients read `document.text`; an object comes back as it was given. */
function documentOf(given: unknown): unknown {
  return typeof given === "string" ? { text: given } : given;
}
