import { vendorBatchDialect } from "../../../../shared/batch-report.ts";
import { batchExchange } from "../../modules/batches/exchange.ts";
import type { Adapter } from "../adapter.ts";
import { idOf, modelList } from "../model-list.ts";
import { messageBatches } from "./batches/index.ts";
import { messagesFailure } from "./errors.ts";
import { readFlavour } from "./flavour.ts";
import { messagesCounts, messagesExchanges } from "./messages.ts";

/** Anthropic, and every vendor that speaks its format. */
export const anthropicAdapter: Adapter = {
  open(flavourJson) {
    const flavour = readFlavour(flavourJson);
    const batches = messageBatches(flavour);
    return {
      sign: (credential) =>
        flavour.authHeader === "authorization"
          ? { authorization: `Bearer ${credential}` }
          : { [flavour.authHeader]: credential },
      requestIdHeaders: ["request-id"],
      exchanges: { ...messagesExchanges(flavour), [vendorBatchDialect]: (asked) => batchExchange(asked, batches) },
      batches,
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
