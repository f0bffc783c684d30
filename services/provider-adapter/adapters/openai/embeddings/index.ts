import { noUsage } from "../../../../../shared/money.ts";
import { errorIn } from "../../../domain/error-in-answer.ts";
import { endpointPath, type OpenaiFlavour } from "../../../domain/flavour.ts";
import type { EmbeddingsFormat } from "../../../modules/embeddings/neutral.ts";
import { byIndex } from "../../../modules/embeddings/order.ts";
import { badVectors, vectorIn } from "../../../modules/embeddings/vector.ts";
import { asArray, asObject, asString, countOf, type JsonObject } from "../../../wire/json.ts";
import { fieldText, patchJson } from "../../../wire/patch-json.ts";

/** OpenAI's embeddings, and those of every vendor that speaks as it does. The client's bytes go on, quirks apart. */
export function openaiEmbeddings(upstreamModel: string, flavour: OpenaiFlavour): EmbeddingsFormat {
  return {
    maxInputs: flavour.maxEmbeddingInputs,
    takesTokens: flavour.embedsTokens,
    write: (_request, body, note) => {
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
      return { path: endpointPath(flavour, upstreamModel, "embeddings"), headers: {}, body: patchJson(body, patch) };
    },
    read(answer) {
      const top = asObject(answer.value) ?? {};
      const error = errorIn(top);
      if (error !== undefined) throw flavour.streamError(error);
      const items = asArray(top.data).map(asObject);
      if (!items.every((item) => item !== undefined)) throw badVectors("there are none");
      return {
        vectors: byIndex(items).map(({ embedding }) => vectorIn(answer, embedding)),
        model: asString(top.model) ?? "",
        usage: usageIn(asObject(top.usage)),
      };
    },
  };
}

function usageIn(usage: JsonObject | undefined) {
  const tokens = countOf(usage?.prompt_tokens) || countOf(usage?.total_tokens);
  return tokens === undefined ? undefined : { ...noUsage, inputTokens: BigInt(tokens) };
}
