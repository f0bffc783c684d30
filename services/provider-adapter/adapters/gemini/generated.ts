import type { Asked, Exchange, UpstreamMessage } from "../../domain/exchange.ts";
import { speechDialect, speechExchangeOf } from "../../modules/audio/speech-exchange.ts";
import { geminiDialect } from "../../modules/chat/gemini/dialect.ts";
import { geminiFormatName } from "../../modules/chat/gemini/format-name.ts";
import { translate } from "../../modules/chat/translate.ts";
import { imageExchanges } from "../../modules/image/translate.ts";
import type { TokenCount } from "../adapter.ts";
import { countTranslations, translations } from "../translations.ts";
import { geminiFormat } from "./chat/index.ts";
import { geminiPassthrough } from "./chat/passthrough.ts";
import type { GeminiFlavour } from "./flavour.ts";
import { geminiImages } from "./image/index.ts";
import { geminiSpeech } from "./speech/index.ts";

/** The exchanges of all that the vendor's models generate by `generateContent`, wherever it is served: chat, images, speech. */
export function generatedExchanges(flavour: GeminiFlavour): Record<string, (asked: Asked) => Exchange> {
  return {
    ...translations(geminiFormat(flavour)),
    ...imageExchanges((model) => geminiImages(flavour, model)),
    [speechDialect]: (asked) => speechExchangeOf(asked, geminiSpeech(flavour)),
    [geminiFormatName]: passOf(flavour),
  };
}

/** The counts of input tokens of chats, by `count` of the message that would have been sent. */
export function generatedCounts(
  flavour: GeminiFlavour,
  count: (message: UpstreamMessage) => TokenCount,
): Record<string, (asked: Asked) => TokenCount> {
  const pass = passOf(flavour);
  return {
    ...countTranslations(geminiFormat(flavour), count),
    [geminiFormatName]: (asked) => count(pass(asked).message),
  };
}

/** A control at the end of a model's name says in our words what the body says in the vendor's. */
function passOf(flavour: GeminiFlavour): (asked: Asked) => Exchange {
  const translated = translate(geminiDialect, geminiFormat(flavour));
  return (asked) => (asked.control === "" ? geminiPassthrough(asked, flavour) : translated(asked));
}
