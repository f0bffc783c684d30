import type { RerankDocument } from "../rerank-document.ts";
import { mediaTokens } from "./media.ts";
import { estimateTextTokens } from "./text.ts";

/** Tokens of a document on its own. */
export function documentTokens(document: RerankDocument): number {
  return "text" in document ? estimateTextTokens(document.text) : mediaTokens("image", document);
}

/** Input tokens of a ranking: each document is read together with the query, and so vendors count. */
export function rankingTokens(query: string, documents: readonly RerankDocument[]): number {
  let tokens = estimateTextTokens(query) * documents.length;
  for (const document of documents) tokens += documentTokens(document);
  return tokens;
}
