import { ThroughlineError } from "../../../shared/errors/error.ts";
import { documentTokens, rankingTokens } from "../../../shared/estimate/rerank.ts";
import { estimateTextTokens } from "../../../shared/estimate/text.ts";
import { Unit } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { noUsage } from "../../../shared/money/usage.ts";
import { type RerankDocument, rerankDocument } from "../../../shared/rerank-document.ts";
import { inputTooLong, reservedInputTokens } from "../../domain/worst-case.ts";
import type { Demand } from "../../story/demand.ts";
import type { RerankBody } from "./rerank-body.ts";

/** A search unit is a query with up to so many documents. */
const documentsOfSearch = 100;
/** A document that is longer counts as several of a search unit. */
const tokensOfChunk = 500;

/** What a ranking asks for. Throws `missing_required_field` with the path where a document has nothing to rank. */
export function rerankDemand(body: RerankBody): Demand {
  const { model, query } = body;
  const documents = documentsOf(body);
  const inputTokens = rankingTokens(query, documents);
  return {
    model,
    answer: "json",
    includeUsage: false,
    headers: {},
    affinity: "",
    needs: { inputTokens, maxOutputTokens: 0, capabilities: [] },
    // The prices say which of the two is charged.
    worst: () => ({
      ...noUsage,
      inputTokens: BigInt(reservedInputTokens(inputTokens)),
      more: [{ unit: Unit.SEARCHES, amount: BigInt(searchesOf(documents)) }],
    }),
    // Vendors cut a document that is too long; a query they do not.
    refuses: ({ contextWindowTokens }) => inputTooLong(estimateTextTokens(query), contextWindowTokens, "query"),
  };
}

function documentsOf({ documents, rank_fields }: RerankBody): readonly RerankDocument[] {
  const rankFields = rank_fields ?? [];
  return documents.map((given, index) => {
    const document = rerankDocument(given, rankFields);
    if (document !== undefined) return document;
    const param = `documents[${index}].${rankFields[0] ?? "text"}`;
    throw new ThroughlineError("missing_required_field", `${param} is required, and must not be empty.`, { param });
  });
}

/** The most search units that it may come to. */
function searchesOf(documents: readonly RerankDocument[]): number {
  let chunks = 0;
  for (const document of documents) chunks += Math.ceil(reservedInputTokens(documentTokens(document)) / tokensOfChunk);
  return Math.ceil(chunks / documentsOfSearch);
}
