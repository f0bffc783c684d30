import { speechDialect, speechExchangeOf } from "../../modules/audio/speech-exchange.ts";
import { embeddingsExchanges } from "../../modules/embeddings/translate.ts";
import { imageExchanges } from "../../modules/image/translate.ts";
import { videoDialect, videoExchange } from "../../modules/video/exchange.ts";
import type { Adapter } from "../adapter.ts";
import { countTranslations, translations } from "../translations.ts";
import { geminiFormat } from "./chat/index.ts";
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
      },
      ...(flavour.counts ? { counts: countTranslations(format, countRequest) } : {}),
      failure: geminiFailure,
    };
  },
};
