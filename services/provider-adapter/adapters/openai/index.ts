import { chatPassthrough } from "../../dialects/openai-chat/passthrough.ts";
import type { Adapter } from "../adapter.ts";
import { httpFailure } from "./errors.ts";
import { readFlavour } from "./flavour.ts";

/** OpenAI and every vendor that speaks its chat format. */
export const openaiAdapter: Adapter = {
  open(flavourJson) {
    const flavour = readFlavour(flavourJson);
    return {
      authorise: (credential) => ({ authorization: `Bearer ${credential}` }),
      exchanges: { "openai.chat": (asked) => chatPassthrough(asked, flavour) },
      failure: httpFailure,
    };
  },
};
