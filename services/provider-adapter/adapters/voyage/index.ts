import { embeddingsExchanges } from "../../modules/embeddings/translate.ts";
import { rerankExchanges } from "../../modules/rerank/translate.ts";
import type { Adapter } from "../adapter.ts";
import { voyageEmbeddings } from "./embeddings/index.ts";
import { voyageFailure } from "./errors.ts";
import { readFlavour } from "./flavour.ts";
import { voyageRerank } from "./rerank/index.ts";

/** Voyage, and whoever speaks its formats. */
export const voyageAdapter: Adapter = {
  open(flavourJson) {
    const { authHeader } = readFlavour(flavourJson);
    return {
      sign: (credential) =>
        authHeader === "authorization" ? { authorization: `Bearer ${credential}` } : { [authHeader]: credential },
      exchanges: { ...rerankExchanges(() => voyageRerank), ...embeddingsExchanges(() => voyageEmbeddings) },
      failure: voyageFailure,
    };
  },
};
