import { vendorBatchDialect } from "../../../../shared/batch-report.ts";
import type { Asked, Exchange } from "../../domain/exchange.ts";
import { endpointPath, type FlavourOf, type OpenaiFlavour } from "../../domain/flavour.ts";
import { batchExchange } from "../../modules/batches/exchange.ts";
import { hasCustomTools } from "../../modules/chat/openai-chat/custom-calls.ts";
import { chatDialect } from "../../modules/chat/openai-chat/dialect.ts";
import { chatPassthrough } from "../../modules/chat/openai-chat/passthrough.ts";
import { completionsPassthrough } from "../../modules/chat/openai-completions/passthrough.ts";
import { responsesPassthrough } from "../../modules/chat/openai-responses/passthrough.ts";
import { itemsFit } from "../../modules/chat/openai-responses/turns-fit.ts";
import { hasUnknownWrapping } from "../../modules/chat/openai-responses/wrapped-tools.ts";
import { translate } from "../../modules/chat/translate.ts";
import type { Adapter } from "../adapter.ts";
import { idOf, modelList } from "../model-list.ts";
import { translations } from "../translations.ts";
import { openaiBatches } from "./batches/index.ts";
import { chatCompletionsFormat } from "./chat/index.ts";
import { httpFailure } from "./errors.ts";
import { readFlavour } from "./flavour.ts";
import { checkModules } from "./module.ts";
import { openaiModules } from "./modules.ts";
import { responsesUpstreamFormat } from "./responses/index.ts";

/** OpenAI and every vendor that speaks its chat format. */
export const openaiAdapter: Adapter = {
  open(flavourJson) {
    const { of, authHeader, requestIdHeaders, errorRules } = readFlavour(flavourJson);
    checkModules(of(""), openaiModules);
    return {
      sign: (credential) =>
        authHeader === "authorization" ? { authorization: `Bearer ${credential}` } : { [authHeader]: credential },
      requestIdHeaders,
      exchanges: { ...exchangesOf(of), [vendorBatchDialect]: (asked) => batchExchange(asked, openaiBatches) },
      batches: openaiBatches,
      list: modelList(endpointPath(of(""), "", "models"), {}, "data", idOf),
      failure: (status, headers, body, upstreamRequestId) =>
        httpFailure(status, headers, body, upstreamRequestId, errorRules),
    };
  },
};

type MakeExchange = (asked: Asked) => Exchange;

/** A dialect beside chat that some of these vendors speak themselves, by the flavour of the model. */
interface Spoken {
  readonly name: string;
  pass(asked: Asked, flavour: OpenaiFlavour): Exchange;
  /** Whether a vendor that speaks it takes this body of it; else it is asked in chat. */
  takes(asked: Asked, flavour: OpenaiFlavour): boolean;
}

const spoken: Readonly<Record<"responses" | "completions", Spoken>> = {
  responses: {
    name: "openai.responses",
    pass: responsesPassthrough,
    takes: ({ body }, flavour) => !hasUnknownWrapping(body, flavour) && itemsFit(body, flavour.turns),
  },
  completions: { name: "openai.completions", pass: completionsPassthrough, takes: () => true },
};

function exchangesOf(of: FlavourOf): Readonly<Record<string, MakeExchange>> {
  const format = chatCompletionsFormat(of);
  const translatedChat = translate(chatDialect, format);
  const byResponses = translations(responsesUpstreamFormat(of));
  const exchanges: Record<string, MakeExchange> = {
    ...translations(format),
    ...Object.assign({}, ...openaiModules.map((module) => module.exchanges(of))),
    "openai.chat": (asked) => {
      const flavour = of(asked.upstreamModel);
      const mustTranslate = !flavour.customTools && hasCustomTools(asked.body);
      return mustTranslate ? translatedChat(asked) : chatPassthrough(asked, flavour);
    },
  };
  for (const field of ["responses", "completions"] as const) {
    const { name, pass, takes } = spoken[field];
    const translated = exchanges[name];
    exchanges[name] = (asked) => {
      const flavour = of(asked.upstreamModel);
      const passes = translated === undefined || (flavour[field] && takes(asked, flavour));
      return passes ? pass(asked, flavour) : translated(asked);
    };
  }
  for (const [name, translated] of Object.entries(byResponses)) {
    const usual = exchanges[name];
    exchanges[name] = (asked) => (of(asked.upstreamModel).chat && usual !== undefined ? usual : translated)(asked);
  }
  return exchanges;
}
