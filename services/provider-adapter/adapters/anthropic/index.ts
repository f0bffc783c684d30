import type { Adapter } from "../adapter.ts";
import { idOf, modelList } from "../model-list.ts";
import { messagesFailure } from "./errors.ts";
import { readFlavour } from "./flavour.ts";
import { messagesCounts, messagesExchanges } from "./messages.ts";

/** Anthropic, and every vendor that speaks its format. */
export const anthropicAdapter: Adapter = {
  open(flavourJson) {
    const flavour = readFlavour(flavourJson);
    return {
      sign: (credential) =>
        flavour.authHeader === "authorization"
          ? { authorization: `Bearer ${credential}` }
          : { [flavour.authHeader]: credential },
      requestIdHeaders: ["request-id"],
      exchanges: messagesExchanges(flavour),
      ...(flavour.countPath === "" ? {} : { counts: messagesCounts(flavour) }),
      list: modelList(
        `${flavour.path.replace(/\/messages$/, "/models")}?limit=1000`,
        { "anthropic-version": flavour.version },
        "data",
        idOf,
      ),
      failure: messagesFailure,
    };
  },
};
