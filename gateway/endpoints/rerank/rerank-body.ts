import { type Static, Type } from "typebox";
import { anyObject, maybe, modelName, open } from "../schemas/json.ts";

/** Most documents of one request. Cohere takes 10,000 chunks of documents and advises 1,000; nobody takes more. */
export const maxDocuments = 10_000;
/** Most fields of a document that may be named. */
const maxRankFields = 100;

/**
 * Body of a rerank request: Cohere's v2 and v1 (cohere-ai 8.1, api/types) and Jina's, which differ in what is left out. Unknown
 * fields pass.
 */
export const rerankBody = open({
  model: modelName,
  query: Type.String({ minLength: 1 }),
  documents: Type.Array(Type.Union([Type.String({ minLength: 1 }), anyObject]), {
    minItems: 1,
    maxItems: maxDocuments,
  }),
  top_n: maybe(Type.Integer({ minimum: 1 })),
  return_documents: maybe(Type.Boolean()),
  rank_fields: maybe(Type.Array(Type.String({ minLength: 1 }), { maxItems: maxRankFields })),
  max_tokens_per_doc: maybe(Type.Integer({ minimum: 1 })),
  max_chunks_per_doc: maybe(Type.Integer({ minimum: 1 })),
});

/** Body of a rerank request, checked. */
export type RerankBody = Static<typeof rerankBody>;
