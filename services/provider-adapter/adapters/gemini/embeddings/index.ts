import { noUsage } from "../../../../../shared/money/usage.ts";
import { noteUnknownFields } from "../../../domain/notes.ts";
import type { EmbeddingsFormat } from "../../../modules/embeddings/neutral.ts";
import { textsOf } from "../../../modules/embeddings/request.ts";
import { vectorsIn } from "../../../modules/embeddings/vector.ts";
import { asArray, asCount, asObject, asString } from "../../../wire/json.ts";
import { pathTo } from "../chat/write-request.ts";
import { inBandFailure } from "../errors.ts";
import type { GeminiFlavour } from "../flavour.ts";

/** Most texts of one call (ai.google.dev/api/embeddings, batchEmbedContents). */
const maxInputs = 100;
/** Fields beside OpenAI's that Gemini knows. */
const known: ReadonlySet<string> = new Set(["task_type"]);

/** Gemini's batchEmbedContents: a request for each text. It always gives lists of numbers; what it cut is not of length 1. */
export function geminiEmbeddings(flavour: GeminiFlavour): EmbeddingsFormat {
  return {
    maxInputs,
    takesTokens: false,
    normalises: false,
    inBandError: inBandFailure,
    write(request, upstreamModel, note) {
      noteUnknownFields(request.others, known, note);
      const taskType = asString(request.others.task_type);
      const each = {
        model: `models/${upstreamModel}`,
        ...(taskType === undefined ? {} : { taskType }),
        ...(request.dimensions === undefined ? {} : { outputDimensionality: request.dimensions }),
      };
      const requests = textsOf(request).map((text) => ({ ...each, content: { parts: [{ text }] } }));
      return {
        path: pathTo(flavour, upstreamModel, "batchEmbedContents"),
        headers: {},
        body: Buffer.from(JSON.stringify({ requests })),
      };
    },
    read(answer) {
      const top = asObject(answer.value) ?? {};
      const tokens = asCount(asObject(top.usageMetadata)?.promptTokenCount);
      return {
        vectors: vectorsIn(
          answer,
          asArray(top.embeddings).map((embedding) => asObject(embedding)?.values),
        ),
        model: "",
        usage: { ...noUsage, inputTokens: BigInt(tokens) },
      };
    },
  };
}
