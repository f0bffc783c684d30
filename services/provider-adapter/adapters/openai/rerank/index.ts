import type { OpenaiFlavour, VendorModule } from "../../../domain/flavour.ts";
import { type RerankRequest, textsOf } from "../../../modules/rerank/request.ts";
import { type RerankFormat, rerankExchanges } from "../../../modules/rerank/translate.ts";
import type { JsonObject } from "../../../wire/json.ts";
import { type OpenaiModule, placeOf, takenFields } from "../module.ts";

/** The body of a request, by the vendor's names of its fields. */
const shapes = {
  /** Jina, whom most follow. */
  jina: (request: RerankRequest, model: string): JsonObject => ({
    ...request.others,
    model,
    query: request.query,
    documents: request.documents.map((document) => ("text" in document ? document.text : document)),
    top_n: request.topN,
    // We have the documents, and give them back as the client wrote them.
    return_documents: false,
    ...(request.maxTokensPerDocument === undefined ? {} : { max_tokens_per_doc: request.maxTokensPerDocument }),
  }),
  /** text-embeddings-inference: no model and no top_n, and it refuses what is too long unless it is told to cut it. */
  tei: (request: RerankRequest): JsonObject => ({
    truncate: true,
    ...request.others,
    query: request.query,
    texts: textsOf(request.documents),
    return_text: false,
  }),
};

type ShapeName = keyof typeof shapes;

const usual: { readonly path: string; readonly shape: ShapeName } = { path: "/rerank", shape: "jina" };

/** Vendors that differ. */
const vendors: Readonly<Record<string, VendorModule & { readonly shape?: ShapeName }>> = {
  // Rankings have an address of their own beside that of the compatible mode.
  dashscope: { path: "/reranks", base: ["compatible-mode", "compatible-api"] },
};

function rerankFormat(flavour: OpenaiFlavour): RerankFormat {
  const { shape, ...place } = placeOf(flavour, openaiRerank.name, usual, vendors);
  const write = shapes[shape];
  return {
    bills: "tokens",
    inBandError: flavour.streamError,
    write(request, model, note) {
      const others = takenFields(request.others, flavour, note);
      const body = Buffer.from(JSON.stringify(write({ ...request, others }, model)));
      return { ...place, headers: {}, body };
    },
  };
}

/** Rankings of servers that speak OpenAI's chat format, or stand beside those that do. */
export const openaiRerank: OpenaiModule = {
  name: "rerank",
  shapes: Object.keys(shapes),
  exchanges: (of) => rerankExchanges((model) => rerankFormat(of(model))),
};
