import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { type RerankRequest, textsOf } from "../../../modules/rerank/request.ts";
import type { RerankFormat } from "../../../modules/rerank/translate.ts";
import type { JsonObject } from "../../../wire/json.ts";

/** Rankings of servers that speak OpenAI's chat format or stand beside those that do, in a vendor's flavour. */
export function rerankFormat(flavour: OpenaiFlavour): RerankFormat {
  const { shape, path, base } = flavour.rerank;
  const write = writers[shape];
  return {
    bills: "tokens",
    inBandError: flavour.streamError,
    write(request, upstreamModel) {
      const body = Buffer.from(JSON.stringify(write(request, upstreamModel)));
      return { path, ...(base === undefined ? {} : { base }), headers: {}, body };
    },
  };
}

/** The body of a request, by the vendor's names of its fields. */
const writers: Readonly<
  Record<OpenaiFlavour["rerank"]["shape"], (request: RerankRequest, upstreamModel: string) => JsonObject>
> = {
  jina: (request, model) => ({
    ...request.others,
    model,
    query: request.query,
    documents: request.documents.map((document) => ("text" in document ? document.text : document)),
    top_n: request.topN,
    // We have the documents, and give them back as the client wrote them.
    return_documents: false,
    ...(request.maxTokensPerDocument === undefined ? {} : { max_tokens_per_doc: request.maxTokensPerDocument }),
  }),
  // It knows no model and no top_n, and refuses what is too long unless it is told to cut it.
  tei: (request) => ({
    truncate: true,
    ...request.others,
    query: request.query,
    texts: textsOf(request.documents),
    return_text: false,
  }),
};
