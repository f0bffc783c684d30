import { chatPassthrough } from "../../dialects/openai-chat/passthrough.ts";
import type { Adapter } from "../adapter.ts";
import { translations } from "../translations.ts";
import { httpFailure } from "./errors.ts";
import { readFlavour } from "./flavour.ts";
import { chatCompletionsFormat } from "./format/index.ts";

/** OpenAI and every vendor that speaks its chat format. */
export const openaiAdapter: Adapter = {
  open(flavourJson) {
    const { of, authHeader, requestIdHeaders, errorRules } = readFlavour(flavourJson);
    return {
      authorise: (credential) =>
        authHeader === "authorization" ? { authorization: `Bearer ${credential}` } : { [authHeader]: credential },
      requestIdHeaders,
      exchanges: {
        ...translations(chatCompletionsFormat(of)),
        "openai.chat": (asked) => chatPassthrough(asked, of(asked.upstreamModel)),
      },
      failure: (status, headers, body, upstreamRequestId) =>
        httpFailure(status, headers, body, upstreamRequestId, errorRules),
    };
  },
};
