import type { MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../errors/error.ts";
import { createUsage } from "../gen/lane_codecs.ts";
import { SettleCase, type SettleItemSchema } from "../gen/throughline/billing/v1/billing_pb.ts";
import { type Candidate, DisconnectPolicy, type Usage } from "../gen/throughline/common/v1/common_pb.ts";
import type { ClosingEnding, ClosingRequest } from "./request.ts";

/** What billing is told at the end of a request that held a reservation. */
export function settleItem(request: ClosingRequest, ending: ClosingEnding): MessageInitShape<typeof SettleItemSchema> {
  const { facts, module, dialect } = request;
  // Without a gateway nobody reads on.
  const { lost } = ending;
  const candidate = servedBy(request, ending);
  return {
    accountId: facts.accountId,
    case: settleCase(ending),
    usage: usageOf(ending),
    ...(candidate?.pricing === undefined ? {} : { pricing: candidate.pricing }),
    policy: lost && facts.policy === DisconnectPolicy.DRAIN ? DisconnectPolicy.CHARGE_DELIVERED : facts.policy,
    facts: {
      keyId: facts.keyId,
      userId: facts.userId,
      module,
      model: facts.model,
      group: facts.group,
      dialect,
      endUser: facts.endUser,
      tags: facts.tags,
      channel: candidate?.channel ?? "",
      platform: candidate?.platform ?? "",
      errorCode: failureOf(ending)?.code ?? "",
    },
  };
}

/** How a request ended, as far as money goes (the policy for every way is in docs/billing.md). */
function settleCase({ pieces, gone, error }: ClosingEnding): SettleCase {
  if (pieces === 0 && (gone || error !== undefined)) return SettleCase.FAILED;
  if (gone) return SettleCase.DISCONNECTED;
  return error === undefined ? SettleCase.SUCCEEDED : SettleCase.BROKEN;
}

/** Who answered; where the provider went away in the middle, the channel of the answer's head tells. */
export function servedBy({ candidates }: ClosingRequest, { outcome, channel }: ClosingEnding): Candidate | undefined {
  if (outcome !== undefined) return candidates[outcome.candidate];
  return candidates.find((candidate) => candidate.channel === channel) ?? candidates[0];
}

/** Consumption; where the provider went away in the middle, a piece counts as one token. */
export function usageOf({ outcome, pieces, inputTokens }: ClosingEnding): Usage {
  if (outcome?.usage !== undefined) return outcome.usage;
  const usage = createUsage({});
  usage.estimated = true;
  if (pieces > 0) {
    usage.inputTokens = BigInt(inputTokens);
    usage.outputTokens = BigInt(pieces);
  }
  return usage;
}

/** What the record calls the failure; undefined: none. */
export function failureOf({ error, gone, lost }: ClosingEnding): ThroughlineError | undefined {
  if (!gone) return error;
  return lost
    ? new ThroughlineError("interrupted", "The gateway ended while the answer was on its way.")
    : new ThroughlineError("client_closed_request", "The client left before the end.");
}
