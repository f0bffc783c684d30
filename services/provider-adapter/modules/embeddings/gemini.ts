import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { asArray, asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";
import { fieldText } from "../../wire/patch-json.ts";
import type { EmbeddingsDialect } from "./dialect.ts";

/** What has to be the same for all texts of one request: an upstream takes it once. */
const shared = ["outputDimensionality", "taskType"] as const;

/** Google's embedContent and batchEmbedContents, as clients speak them. */
export const geminiEmbeddingsDialect: EmbeddingsDialect = {
  name: "gemini.embeddings",
  read(body) {
    const given = asObject(parseJson(Buffer.from(body).toString())) ?? {};
    const isBatch = Array.isArray(given.requests);
    const requests = isBatch ? asArray(given.requests).map((one) => asObject(one) ?? {}) : [given];
    const inputs = requests.map(textOf);
    const [first = {}] = requests;
    for (const name of shared) {
      const at = requests.findIndex((one) => valueIn(one, name) !== valueIn(first, name));
      if (at > 0) throw differs(`requests[${at}].${name}`);
    }
    const dimensions = valueIn(first, "outputDimensionality");
    const taskType = valueIn(first, "taskType");
    const others: JsonObject = typeof taskType === "string" ? { task_type: taskType } : {};
    const size = typeof dimensions === "number" ? { dimensions } : {};
    return {
      inputs,
      dimensions: size.dimensions,
      encoding: "float",
      others,
      body: Buffer.from(JSON.stringify({ input: inputs, ...size })),
    };
  },
  write(vectors, { usage }, body) {
    const isBatch = fieldText(body, "requests") !== undefined;
    const parts: Uint8Array[] = [Buffer.from(isBatch ? '{"embeddings":[' : '{"embedding":')];
    for (const [index, { text }] of vectors.entries()) {
      parts.push(Buffer.from(`${index === 0 ? "" : ","}{"values":`), text, Buffer.from("}"));
    }
    const tokens = Number(usage.inputTokens);
    parts.push(Buffer.from(`${isBatch ? "]" : ""},"usageMetadata":{"promptTokenCount":${tokens}}}`));
    return Buffer.concat(parts);
  },
};

/** A field in either spelling. */
function valueIn(request: JsonObject, name: (typeof shared)[number]): unknown {
  return request[name] ?? request[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] ?? undefined;
}

/** The texts of a content are one input. */
function textOf(request: JsonObject): string {
  const parts = asArray(asObject(request.content)?.parts);
  return parts.map((part) => asString(asObject(part)?.text) ?? "").join("\n");
}

function differs(param: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${param} must be the same in all of the requests.`, { param });
}
