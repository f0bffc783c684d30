import type { Asked } from "../../domain/exchange.ts";
import { speechDialect, speechExchangeOf } from "../../modules/audio/speech-exchange.ts";
import { geminiDialect } from "../../modules/chat/gemini/dialect.ts";
import { geminiFormatName } from "../../modules/chat/gemini/format-name.ts";
import { translate } from "../../modules/chat/translate.ts";
import { embeddingsExchanges } from "../../modules/embeddings/translate.ts";
import { imageExchanges } from "../../modules/image/translate.ts";
import { videoDialect, videoExchange } from "../../modules/video/exchange.ts";
import { asArray, asString, type JsonObject } from "../../wire/json.ts";
import type { Adapter } from "../adapter.ts";
import { modelList } from "../model-list.ts";
import { countTranslations, translations } from "../translations.ts";
import { geminiFormat } from "./chat/index.ts";
import { geminiPassthrough } from "./chat/passthrough.ts";
import { countRequest } from "./count-tokens.ts";
import { geminiEmbeddings } from "./embeddings/index.ts";
import { geminiFailure } from "./errors.ts";
import { readFlavour } from "./flavour.ts";
import { geminiImages } from "./image/index.ts";
import { geminiSpeech } from "./speech/index.ts";
import { geminiVideo } from "./video/index.ts";

/** Google's Gemini, and whoever speaks its format. */
export const geminiAdapter: Adapter = {
  open(flavourJson) {
    const flavour = readFlavour(flavourJson);
    const format = geminiFormat(flavour);
    const translated = translate(geminiDialect, format);
    // A control at the end of a model's name says in our words what the body says in the vendor's.
    const pass = (asked: Asked) => (asked.control === "" ? geminiPassthrough(asked, flavour) : translated(asked));
    return {
      sign: (credential) =>
        flavour.authHeader === "authorization"
          ? { authorization: `Bearer ${credential}` }
          : { [flavour.authHeader]: credential },
      exchanges: {
        ...translations(format),
        ...embeddingsExchanges(() => geminiEmbeddings(flavour)),
        ...imageExchanges((model) => geminiImages(flavour, model)),
        [speechDialect]: (asked) => speechExchangeOf(asked, geminiSpeech(flavour)),
        [videoDialect]: (asked) => videoExchange(asked, geminiVideo(flavour)),
        [geminiFormatName]: pass,
      },
      ...(flavour.counts
        ? {
            counts: {
              ...countTranslations(format, countRequest),
              [geminiFormatName]: (asked) => countRequest(pass(asked).message),
            },
          }
        : {}),
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
