import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type SumUsageRequest,
  type SumUsageResponseSchema,
  UsageBy,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { BillingContext } from "../context.ts";
import { sumUsage as sum, type UsageBy as UsageByName } from "../db/usage.ts";
import { invalid } from "../wire/values.ts";
import { checkedFilterId } from "./paging.ts";

const byNames: Readonly<Record<number, UsageByName | undefined>> = {
  [UsageBy.UNSPECIFIED]: "day",
  [UsageBy.DAY]: "day",
  [UsageBy.KEY]: "key",
  [UsageBy.MODEL]: "model",
  [UsageBy.GROUP]: "group",
};

/** Latest time that a span may end at: 9999-12-31T23:59:59.999Z. */
const maxUnixMs = 253_402_300_799_999n;

/** Sums what was charged and consumed. */
export function sumUsage({ db }: BillingContext) {
  return async (request: SumUsageRequest): Promise<MessageInitShape<typeof SumUsageResponseSchema>> => {
    const { fromUnixMs: from, toUnixMs: to } = request;
    const by = byNames[request.by];
    if (by === undefined) throw invalid("by", "must be day, key, model or group");
    if (from < 0n || from > maxUnixMs) throw invalid("from_unix_ms", "must be Unix milliseconds");
    if (to <= from || to > maxUnixMs) throw invalid("to_unix_ms", "must be Unix milliseconds after from_unix_ms");
    const accountId = checkedFilterId(request.accountId, "account_id");
    const rows = await sum(db, { accountId, fromMs: Number(from), toMs: Number(to), by });
    return {
      sums: rows.map((row) => ({
        name: row.name,
        requests: row.requests,
        chargedNanoUsd: row.charged,
        usage: {
          inputTokens: row.input_tokens,
          cachedInputTokens: row.cached_input_tokens,
          cacheWriteTokens: row.cache_write_tokens,
          outputTokens: row.output_tokens,
          reasoningTokens: row.reasoning_tokens,
          images: row.images,
          audioMs: row.audio_ms,
          characters: row.characters,
          estimated: row.estimated,
        },
      })),
    };
  };
}
