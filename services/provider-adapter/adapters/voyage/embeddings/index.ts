import { noteUnknownFields } from "../../../domain/notes.ts";
import type { EmbeddingsFormat } from "../../../modules/embeddings/neutral.ts";
import { knownOthers, textsOf } from "../../../modules/embeddings/request.ts";
import { readOpenaiEmbeddings } from "../../openai/embeddings/index.ts";
import { voyageInBand } from "../errors.ts";

/** Most texts of one call (docs.voyageai.com, "Text Embeddings"). */
const maxInputs = 1_000;
/** Fields beside OpenAI's that Voyage knows. */
const known: ReadonlySet<string> = new Set(["input_type", "truncation"]);

/** Voyage, which answers as OpenAI and is asked otherwise. A text that is too long is refused, as OpenAI refuses it. */
export const voyageEmbeddings: EmbeddingsFormat = {
  maxInputs,
  takesTokens: false,
  normalises: true,
  inBandError: voyageInBand,
  write(request, model, note) {
    noteUnknownFields(request.others, known, note);
    const body = {
      model,
      input: textsOf(request),
      ...(request.encoding === "base64" ? { encoding_format: "base64" } : {}),
      ...(request.dimensions === undefined ? {} : { output_dimension: request.dimensions }),
      truncation: false,
      ...knownOthers(request, known),
    };
    return { path: "/embeddings", headers: {}, body: Buffer.from(JSON.stringify(body)) };
  },
  read: readOpenaiEmbeddings,
};
