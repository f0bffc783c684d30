import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  SplitReservationRequest,
  SplitReservationResponseSchema,
} from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { moduleNameOf } from "../../../shared/modules.ts";
import type { BillingContext } from "../context.ts";
import { splitReservation } from "../db/split.ts";
import { maxNanoUsd } from "../domain/amounts.ts";
import { invalid } from "../wire/invalid.ts";
import { checkedId, checkedPricing, checkedRequestId, checkedText, toTariff } from "../wire/values.ts";

const maxParts = 1_000;

/** Gives parts of a reservation to the requests that it was made for. */
export function splitReservationOf({ config, db, tariffs }: BillingContext) {
  return async (request: SplitReservationRequest): Promise<MessageInitShape<typeof SplitReservationResponseSchema>> => {
    const { parts } = request;
    if (parts.length === 0 || parts.length > maxParts) throw invalid("parts", `must have 1 to ${maxParts} items`);
    if (new Set(parts.map(({ requestId }) => requestId)).size < parts.length) throw invalid("parts", "must not repeat");
    const whole = {
      accountId: checkedId(request.accountId, "account_id"),
      requestId: checkedRequestId(request.fromRequestId),
    };
    const given = parts.map(({ requestId, amountNanoUsd, module, model, dialect, pricing }) => {
      if (pricing === undefined) throw invalid("parts.pricing", "must be given");
      if (amountNanoUsd < 0n || amountNanoUsd > maxNanoUsd) throw invalid("parts.amount_nano_usd", "is out of range");
      const work = {
        module: moduleNameOf(module),
        model: checkedText(model, "parts.model"),
        dialect: checkedText(dialect, "parts.dialect"),
        ...{ group: "", channel: "", platform: "" },
      };
      return {
        requestId: checkedRequestId(requestId),
        amount: amountNanoUsd,
        tariff: toTariff(checkedPricing(pricing), work),
      };
    });
    const tariffIds = await tariffs.idsOf(given.map(({ tariff }) => tariff));
    const held = await splitReservation(
      db,
      whole,
      given.map(({ requestId, amount }, i) => ({ requestId, amount, tariffId: tariffIds[i] ?? null })),
      config.reservationTtlMs,
    );
    return { unheldRequestIds: given.filter((_, i) => held[i] !== true).map(({ requestId }) => requestId) };
  };
}
