import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { type RerankDocument, rerankDocument } from "../../../../shared/rerank-document.ts";
import type { Notes } from "../../domain/notes.ts";
import { asArray, asObject, asString, countOf, type JsonObject, parseJson } from "../../wire/json.ts";

/** A ranking that a client asked for, whatever its dialect. */
export interface RerankRequest {
  readonly query: string;
  /** What is to be ranked of each document, in the client's order. */
  readonly documents: readonly RerankDocument[];
  /** The documents as the client wrote them. */
  readonly given: readonly unknown[];
  /** How many results the client wants: at most as many as there are documents. */
  readonly topN: number;
  /** Undefined: the client did not say. */
  readonly returnDocuments: boolean | undefined;
  /** Tokens of a document that are read; undefined: as the vendor has it. */
  readonly maxTokensPerDocument: number | undefined;
  /** The client's other fields, as they came: vendors that speak the same shape may know them. */
  readonly others: JsonObject;
}

/** How a request is told what was dropped or changed. */
export type Note = Notes["note"];

/** Reads a body that the gateway has checked. */
export function readRerankRequest(body: Uint8Array): RerankRequest {
  const fields = asObject(parseJson(Buffer.from(body).toString())) ?? {};
  const {
    model: _model,
    query,
    documents: list,
    top_n: topN,
    return_documents: returned,
    rank_fields: rankFields,
    max_tokens_per_doc: maxTokens,
    ...others
  } = fields;
  const given = asArray(list);
  const names = asArray(rankFields).filter((name) => typeof name === "string");
  return {
    query: asString(query) ?? "",
    documents: given.map((document, index) => rerankDocument(document, names) ?? nothingToRank(index)),
    given,
    topN: Math.min(countOf(topN) || given.length, given.length),
    returnDocuments: typeof returned === "boolean" ? returned : undefined,
    maxTokensPerDocument: countOf(maxTokens),
    others,
  };
}

function nothingToRank(index: number): never {
  const param = `documents[${index}]`;
  throw new ThroughlineError("invalid_value", `${param} has nothing that can be ranked.`, { param });
}

/** The documents as texts, for an upstream that ranks nothing else. Throws invalid_value with the path of a picture. */
export function textsOf(documents: readonly RerankDocument[]): readonly string[] {
  return documents.map((document, index) => {
    if ("text" in document) return document.text;
    const param = `documents[${index}].image`;
    throw new ThroughlineError("invalid_value", "This model ranks texts and no images.", { param });
  });
}
