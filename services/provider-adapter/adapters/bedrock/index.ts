import type { Asked } from "../../domain/exchange.ts";
import type { Adapter, TokenCount } from "../adapter.ts";
import { translations } from "../translations.ts";
import { converseFormat } from "./chat/index.ts";
import { countRequest } from "./count-tokens.ts";
import { bedrockFailure } from "./errors.ts";
import { readFlavour } from "./flavour.ts";
import { checkBedrockCredential, signBedrock } from "./sign.ts";

/** AWS Bedrock, by its format for all models. */
export const bedrockAdapter: Adapter = {
  open(flavourJson, baseUrl = "") {
    const flavour = readFlavour(flavourJson, baseUrl);
    const exchanges = translations(converseFormat(flavour));
    return {
      checkCredential: checkBedrockCredential,
      sign: (credential, message, target) => signBedrock(credential, flavour.region, message, target),
      requestIdHeaders: ["x-amzn-requestid"],
      exchanges,
      ...(flavour.counts ? { counts: countsOf(exchanges) } : {}),
      failure: bedrockFailure,
    };
  },
};

function countsOf(
  exchanges: ReturnType<typeof translations>,
): Readonly<Record<string, (asked: Asked) => TokenCount | undefined>> {
  return Object.fromEntries(
    Object.entries(exchanges).map(([dialect, exchange]) => [
      dialect,
      (asked) => countRequest(exchange(asked).message, asked.upstreamModel),
    ]),
  );
}
