import { embeddingsExchanges } from "../../modules/embeddings/translate.ts";
import { rerankExchanges } from "../../modules/rerank/translate.ts";
import { asString } from "../../wire/json.ts";
import type { Adapter } from "../adapter.ts";
import { modelList } from "../model-list.ts";
import { cohereEmbeddings } from "./embeddings/index.ts";
import { cohereFailure } from "./errors.ts";
import { readFlavour } from "./flavour.ts";
import { cohereRerank } from "./rerank/index.ts";

/** Cohere, and whoever speaks its formats. The base URL ends before the version. */
export const cohereAdapter: Adapter = {
  open(flavourJson) {
    const flavour = readFlavour(flavourJson);
    const { authHeader } = flavour;
    return {
      sign: (credential) =>
        authHeader === "authorization" ? { authorization: `Bearer ${credential}` } : { [authHeader]: credential },
      requestIdHeaders: ["x-debug-trace-id"],
      exchanges: {
        ...rerankExchanges(() => cohereRerank(flavour)),
        ...embeddingsExchanges(() => cohereEmbeddings(flavour)),
      },
      list: modelList("/v1/models?page_size=1000", {}, "models", ({ name, is_deprecated }) =>
        is_deprecated === true ? "" : (asString(name) ?? ""),
      ),
      failure: cohereFailure,
    };
  },
};
