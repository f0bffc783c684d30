import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Model } from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { moduleNameOf } from "../../../shared/modules.ts";

/** What Google's clients may ask of the models of a module. */
const methods: Readonly<Record<string, readonly string[]>> = {
  chat: ["generateContent", "streamGenerateContent", "countTokens"],
  embeddings: ["embedContent", "batchEmbedContents"],
};
const usualPage = 50;
const largestPage = 1_000;

/** A page of models in Google's shape. Throws invalid_value for what is no size or no token of a page. */
export function geminiPage(models: readonly Model[], query: { pageSize?: string; pageToken?: string }): object {
  const served = models.filter(({ module }) => methodsOf(module) !== undefined);
  const size = Math.min(largestPage, numberIn(query.pageSize, "pageSize", usualPage) || usualPage);
  const start = numberIn(query.pageToken, "pageToken", 0);
  const end = start + size;
  const page = served.slice(start, end).map(geminiModel);
  return { models: page, ...(end < served.length ? { nextPageToken: String(end) } : {}) };
}

/** A model in Google's shape. */
export function geminiModel(model: Model): object {
  return {
    name: `models/${model.name}`,
    baseModelId: model.name,
    version: "",
    displayName: model.name,
    ...(model.contextWindowTokens === 0n ? {} : { inputTokenLimit: Number(model.contextWindowTokens) }),
    ...(model.maxOutputTokens === 0n ? {} : { outputTokenLimit: Number(model.maxOutputTokens) }),
    supportedGenerationMethods: methodsOf(model.module) ?? [],
  };
}

function methodsOf(module: Model["module"]): readonly string[] | undefined {
  return methods[moduleNameOf(module)];
}

function numberIn(text: string | undefined, param: string, usual: number): number {
  if (text === undefined || text === "") return usual;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ThroughlineError("invalid_value", `${param} is not one.`, { param });
}
