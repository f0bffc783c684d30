import { noUsage, type Quantity } from "../../../../../shared/money/usage.ts";
import { unitNamed } from "../../../../../shared/units.ts";
import { endpointPath, type OpenaiFlavour } from "../../../domain/flavour.ts";
import { vendorCostOf } from "../../../domain/vendor-cost.ts";
import type { EmbeddingsFormat } from "../../../modules/embeddings/neutral.ts";
import { byIndex } from "../../../modules/embeddings/order.ts";
import { embeddingsExchanges } from "../../../modules/embeddings/translate.ts";
import { badVectors, vectorsIn } from "../../../modules/embeddings/vector.ts";
import { asArray, asObject, asString, countOf, type JsonObject } from "../../../wire/json.ts";
import type { LiftedJson } from "../../../wire/lift-values.ts";
import { fieldText, patchJson } from "../../../wire/patch-json.ts";
import { pathSegment } from "../../../wire/path-segment.ts";
import type { OpenaiModule } from "../module.ts";

/** Embeddings as OpenAI and compatible servers serve them. */
export const openaiEmbeddings: OpenaiModule = {
  name: "embeddings",
  shapes: ["openai"],
  exchanges: (of) => embeddingsExchanges((model) => formatOf(of(model))),
};

/** OpenAI's embeddings, and those of every vendor that speaks as it does. The client's bytes go on, quirks apart. */
function formatOf(flavour: OpenaiFlavour): EmbeddingsFormat {
  return {
    maxInputs: flavour.maxEmbeddingInputs,
    takesTokens: flavour.embedsTokens,
    normalises: true,
    inBandError: flavour.streamError,
    write({ body }, upstreamModel, note) {
      const patch: Record<string, string | undefined> = { model: JSON.stringify(upstreamModel) };
      for (const [from, to] of Object.entries(flavour.renameFields)) {
        const value = fieldText(body, from);
        if (value !== undefined) Object.assign(patch, { [from]: undefined, [to]: value });
      }
      for (const field of flavour.dropFields) {
        if (fieldText(body, field) === undefined) continue;
        patch[field] = undefined;
        note(`${field} dropped: the vendor does not take it`);
      }
      return { ...placeOf(flavour, upstreamModel), headers: {}, body: patchJson(body, patch) };
    },
    read: readOpenaiEmbeddings,
  };
}

/** Where they are asked for: what the channel's flavour says goes before the place beside chat's. */
function placeOf(flavour: OpenaiFlavour, model: string) {
  const { path, base } = flavour.modules.embeddings ?? {};
  const own = path?.replaceAll("{model}", pathSegment(model));
  return { path: own ?? endpointPath(flavour, model, "embeddings"), ...(base === undefined ? {} : { base }) };
}

/** Reads an answer in OpenAI's shape. Throws upstream_error when it is none. */
export function readOpenaiEmbeddings(answer: LiftedJson) {
  const top = asObject(answer.value) ?? {};
  const items = asArray(top.data).map(asObject);
  if (!items.every((item) => item !== undefined)) throw badVectors("there are none");
  return {
    vectors: vectorsIn(
      answer,
      byIndex(items).map(({ embedding }) => embedding),
    ),
    model: asString(top.model) ?? "",
    usage: usageIn(asObject(top.usage) ?? {}),
  };
}

function usageIn(usage: JsonObject) {
  const more = costIn(usage);
  return {
    ...noUsage,
    inputTokens: BigInt(countOf(usage.prompt_tokens) || countOf(usage.total_tokens) || 0),
    ...(more.length === 0 ? {} : { more }),
  };
}

function costIn(usage: JsonObject): Quantity[] {
  const nanoUsd = vendorCostOf(usage) ?? 0;
  const entry = unitNamed("vendor_nano_usd");
  return entry === undefined || nanoUsd === 0 ? [] : [{ unit: entry.unit, amount: BigInt(nanoUsd) }];
}
