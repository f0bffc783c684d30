import { noteUnknownFields } from "../../../domain/notes.ts";
import { textsOf } from "../../../modules/rerank/request.ts";
import type { RerankFormat } from "../../../modules/rerank/translate.ts";
import { cohereInBand } from "../errors.ts";
import type { CohereFlavour } from "../flavour.ts";

/** Fields beside those of every ranking that Cohere knows. */
const known: ReadonlySet<string> = new Set(["priority"]);

/** Cohere's second version, which ranks texts alone and charges search units. */
export function cohereRerank({ rerankPath }: CohereFlavour): RerankFormat {
  return {
    bills: "searches",
    inBandError: cohereInBand,
    write({ query, documents, topN, maxTokensPerDocument, others }, model, note) {
      noteUnknownFields(others, known, note);
      const body = {
        model,
        query,
        documents: textsOf(documents),
        top_n: topN,
        ...(maxTokensPerDocument === undefined ? {} : { max_tokens_per_doc: maxTokensPerDocument }),
        ...(others.priority === undefined || others.priority === null ? {} : { priority: others.priority }),
      };
      return { path: rerankPath, headers: {}, body: Buffer.from(JSON.stringify(body)) };
    },
  };
}
