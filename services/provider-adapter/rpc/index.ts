import { ProviderService } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { defineService } from "../../../shared/rpc/index.ts";
import type { ProviderContext } from "../context.ts";
import { countTokens } from "./count-tokens.ts";
import { invoke } from "./invoke.ts";

/** What the provider answers to. */
export function providerService(context: ProviderContext) {
  return defineService(ProviderService, {
    invoke: invoke(context),
    countTokens: countTokens(context),
  });
}
