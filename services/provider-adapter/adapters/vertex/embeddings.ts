import { noUsage } from "../../../../shared/money/usage.ts";
import { noteUnknownFields } from "../../domain/notes.ts";
import type { EmbeddingsFormat, EmbeddingsRequest } from "../../modules/embeddings/neutral.ts";
import { textsOf } from "../../modules/embeddings/request.ts";
import { vectorsIn } from "../../modules/embeddings/vector.ts";
import { asArray, asCount, asObject, asString, type JsonObject } from "../../wire/json.ts";
import { pathTo } from "../gemini/chat/write-request.ts";
import { inBandFailure } from "../gemini/errors.ts";
import type { VertexFlavour } from "./flavour.ts";

/** Most texts of one `predict` (cloud.google.com: "Text embeddings API"). */
const maxInstances = 250;
/** Fields beside OpenAI's that the platform knows. */
const known: ReadonlySet<string> = new Set(["task_type", "title", "auto_truncate"]);

/** Models that the vendor's own SDK asks by `embedContent`, which takes one text; the others by `predict` (@google/genai 3.3). */
function isAskedSingly(model: string): boolean {
  return (model.includes("gemini") && model !== "gemini-embedding-001") || model.includes("maas");
}

/** Embeddings of Vertex AI. */
export function vertexEmbeddings(flavour: VertexFlavour, model: string): EmbeddingsFormat {
  return isAskedSingly(model) ? bySingle(flavour) : byPredict(flavour);
}

const shared = { takesTokens: false, normalises: false, inBandError: inBandFailure } as const;

function byPredict({ google }: VertexFlavour): EmbeddingsFormat {
  return {
    ...shared,
    maxInputs: maxInstances,
    write(request, upstreamModel, note) {
      noteUnknownFields(request.others, known, note);
      const { taskType: task_type, title, ...parameters } = settingsOf(request);
      const instances = textsOf(request).map((content) => ({ content, task_type, title }));
      return messageOf(pathTo(google, upstreamModel, "predict"), { instances, parameters });
    },
    read(answer) {
      const predictions = asArray(asObject(answer.value)?.predictions).map((one) =>
        asObject(asObject(one)?.embeddings),
      );
      const tokens = predictions.reduce((sum, one) => sum + asCount(asObject(one?.statistics)?.token_count), 0);
      const values = predictions.map((one) => one?.values);
      return { vectors: vectorsIn(answer, values), model: "", usage: { ...noUsage, inputTokens: BigInt(tokens) } };
    },
  };
}

function bySingle({ google }: VertexFlavour): EmbeddingsFormat {
  return {
    ...shared,
    maxInputs: 1,
    write(request, upstreamModel, note) {
      noteUnknownFields(request.others, known, note);
      const content = { parts: textsOf(request).map((text) => ({ text })) };
      const path = pathTo(google, upstreamModel, "embedContent");
      return messageOf(path, { content, embedContentConfig: settingsOf(request) });
    },
    read(answer) {
      const top = asObject(answer.value) ?? {};
      const tokens = asCount(asObject(top.usageMetadata)?.promptTokenCount);
      return {
        vectors: vectorsIn(answer, [asObject(top.embedding)?.values]),
        model: "",
        usage: { ...noUsage, inputTokens: BigInt(tokens) },
      };
    },
  };
}

function settingsOf({ dimensions, others }: EmbeddingsRequest): JsonObject {
  return {
    outputDimensionality: dimensions,
    taskType: asString(others.task_type),
    title: asString(others.title),
    autoTruncate: typeof others.auto_truncate === "boolean" ? others.auto_truncate : undefined,
  };
}

function messageOf(path: string, body: JsonObject) {
  return { path, headers: {}, body: Buffer.from(JSON.stringify(body)) };
}
