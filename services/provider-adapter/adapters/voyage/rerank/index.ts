import { noteUnknownFields } from "../../../domain/notes.ts";
import { textsOf } from "../../../modules/rerank/request.ts";
import type { RerankFormat } from "../../../modules/rerank/translate.ts";
import { voyageInBand } from "../errors.ts";

/** Fields beside those of every ranking that Voyage knows. */
const known: ReadonlySet<string> = new Set(["truncation"]);

/** Voyage, which calls the bound of results `top_k` and the results `data`. */
export const voyageRerank: RerankFormat = {
  bills: "tokens",
  inBandError: voyageInBand,
  write({ query, documents, topN, maxTokensPerDocument, others }, model, note) {
    noteUnknownFields(others, known, note);
    if (maxTokensPerDocument !== undefined) note("max_tokens_per_doc dropped: the upstream's format has no such field");
    const body = {
      model,
      query,
      documents: textsOf(documents),
      top_k: topN,
      ...(typeof others.truncation === "boolean" ? { truncation: others.truncation } : {}),
    };
    return { path: "/rerank", headers: {}, body: Buffer.from(JSON.stringify(body)) };
  },
};
