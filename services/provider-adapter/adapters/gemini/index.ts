import { embeddingsExchanges } from "../../modules/embeddings/translate.ts";
import { videoDialect, videoExchange } from "../../modules/video/exchange.ts";
import { asArray, asString, type JsonObject } from "../../wire/json.ts";
import type { Adapter } from "../adapter.ts";
import { modelList } from "../model-list.ts";
import { countRequest } from "./count-tokens.ts";
import { geminiEmbeddings } from "./embeddings/index.ts";
import { geminiFailure } from "./errors.ts";
import { readFlavour } from "./flavour.ts";
import { generatedCounts, generatedExchanges } from "./generated.ts";
import { geminiVideo } from "./video/index.ts";

/** Google's Gemini, and whoever speaks its format. */
export const geminiAdapter: Adapter = {
  open(flavourJson) {
    const flavour = readFlavour(flavourJson);
    return {
      sign: (credential) =>
        flavour.authHeader === "authorization"
          ? { authorization: `Bearer ${credential}` }
          : { [flavour.authHeader]: credential },
      exchanges: {
        ...generatedExchanges(flavour),
        ...embeddingsExchanges(() => geminiEmbeddings(flavour)),
        [videoDialect]: (asked) => videoExchange(asked, geminiVideo(flavour)),
      },
      ...(flavour.counts ? { counts: generatedCounts(flavour, countRequest) } : {}),
      list: modelList(`${flavour.path.replace(/\/\{model\}.*$/, "")}?pageSize=1000`, {}, "models", nameOf),
      failure: geminiFailure,
    };
  },
};

/** What this adapter asks of a model. */
const methods: ReadonlySet<unknown> = new Set(["generateContent", "embedContent"]);

function nameOf({ name, supportedGenerationMethods }: JsonObject): string {
  const does = asArray(supportedGenerationMethods);
  if (does.length > 0 && !does.some((method) => methods.has(method))) return "";
  return (asString(name) ?? "").replace(/^models\//, "");
}
