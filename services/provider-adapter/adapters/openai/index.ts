import type { Asked, Exchange } from "../../domain/exchange.ts";
import type { FlavourOf, OpenaiFlavour } from "../../domain/flavour.ts";
import { chatPassthrough } from "../../modules/chat/openai-chat/passthrough.ts";
import { completionsPassthrough } from "../../modules/chat/openai-completions/passthrough.ts";
import { responsesPassthrough } from "../../modules/chat/openai-responses/passthrough.ts";
import type { Adapter } from "../adapter.ts";
import { translations } from "../translations.ts";
import { chatCompletionsFormat } from "./chat/index.ts";
import { httpFailure } from "./errors.ts";
import { readFlavour } from "./flavour.ts";
import { checkModules } from "./module.ts";
import { openaiModules } from "./modules.ts";

/** OpenAI and every vendor that speaks its chat format. */
export const openaiAdapter: Adapter = {
  open(flavourJson) {
    const { of, authHeader, requestIdHeaders, errorRules } = readFlavour(flavourJson);
    checkModules(of(""), openaiModules);
    return {
      sign: (credential) =>
        authHeader === "authorization" ? { authorization: `Bearer ${credential}` } : { [authHeader]: credential },
      requestIdHeaders,
      exchanges: exchangesOf(of),
      failure: (status, headers, body, upstreamRequestId) =>
        httpFailure(status, headers, body, upstreamRequestId, errorRules),
    };
  },
};

type MakeExchange = (asked: Asked) => Exchange;

/** Dialects beside chat that some of these vendors speak themselves, by the flavour of the model. */
const spoken: Readonly<
  Record<"responses" | "completions", { name: string; pass: (asked: Asked, flavour: OpenaiFlavour) => Exchange }>
> = {
  responses: { name: "openai.responses", pass: responsesPassthrough },
  completions: { name: "openai.completions", pass: completionsPassthrough },
};

function exchangesOf(of: FlavourOf): Readonly<Record<string, MakeExchange>> {
  const exchanges: Record<string, MakeExchange> = {
    ...translations(chatCompletionsFormat(of)),
    ...Object.assign({}, ...openaiModules.map((module) => module.exchanges(of))),
    "openai.chat": (asked) => chatPassthrough(asked, of(asked.upstreamModel)),
  };
  for (const field of ["responses", "completions"] as const) {
    const { name, pass } = spoken[field];
    const translated = exchanges[name];
    exchanges[name] = (asked) => {
      const flavour = of(asked.upstreamModel);
      return flavour[field] || translated === undefined ? pass(asked, flavour) : translated(asked);
    };
  }
  return exchanges;
}
