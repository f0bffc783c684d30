import { noUsage } from "../../../../../shared/money/usage.ts";
import { noteUnknownFields } from "../../../domain/notes.ts";
import type { EmbeddingsFormat } from "../../../modules/embeddings/neutral.ts";
import { knownOthers, textsOf } from "../../../modules/embeddings/request.ts";
import { vectorsIn } from "../../../modules/embeddings/vector.ts";
import { asArray, asCount, asObject, asString } from "../../../wire/json.ts";
import { cohereInBand } from "../errors.ts";
import type { CohereFlavour } from "../flavour.ts";

/** Most texts of one call (docs.cohere.com/reference/embed). */
const maxInputs = 96;
/** Fields beside OpenAI's that Cohere knows. */
const known: ReadonlySet<string> = new Set(["input_type", "truncate", "priority"]);
/** OpenAI's clients do not say what the vectors are for. A text that is too long is refused, as OpenAI refuses it. */
const unsaid = { input_type: "search_document", truncate: "NONE" };

/** Cohere's second version. */
export function cohereEmbeddings({ embedPath }: CohereFlavour): EmbeddingsFormat {
  return {
    maxInputs,
    takesTokens: false,
    normalises: true,
    inBandError: cohereInBand,
    write(request, model, note) {
      noteUnknownFields(request.others, known, note);
      const body = {
        model,
        texts: textsOf(request),
        embedding_types: [request.encoding],
        ...(request.dimensions === undefined ? {} : { output_dimension: request.dimensions }),
        ...unsaid,
        ...knownOthers(request, known),
      };
      return { path: embedPath, headers: {}, body: Buffer.from(JSON.stringify(body)) };
    },
    read(answer) {
      const top = asObject(answer.value) ?? {};
      const { float, base64 } = asObject(top.embeddings) ?? {};
      const billed = asObject(asObject(top.meta)?.billed_units) ?? {};
      return {
        vectors: vectorsIn(answer, asArray(base64 ?? float)),
        model: "",
        usage: { ...noUsage, inputTokens: BigInt(asCount(billed.input_tokens)) },
        id: asString(top.id),
      };
    },
  };
}
