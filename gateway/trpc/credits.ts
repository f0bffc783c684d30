import { z } from "zod";
import { formatUsd } from "../../shared/money/usd.ts";
import { present } from "../view/payer.ts";
import { id, positiveUsd, text, usd } from "./input.ts";
import { ledgerEntryOut } from "./output.ts";
import { callOptions, platformWrite, router, type TrpcContext } from "./procedures.ts";

const entry = {
  account_id: id,
  /** Why; shown in the ledger. */
  reason: text.min(1).max(500),
  /** The same reference of an account is entered once. */
  reference: text.max(200).default(""),
};

/** Credit: top-ups and corrections, each an entry of the ledger with its actor and reason. */
export const credits = router({
  /** Adds credit that was bought or given. */
  add: platformWrite
    .input(z.strictObject({ ...entry, amount_usd: positiveUsd.refine((value) => value > 0n, "must be positive") }))
    .mutation(({ ctx, input }) => enter(ctx, ctx.principal.keyPrefix, input, false)),

  /** Corrects the balance, upwards or downwards. */
  adjust: platformWrite
    .input(z.strictObject({ ...entry, amount_usd: usd.refine((value) => value !== 0n, "must not be 0") }))
    .mutation(({ ctx, input }) => enter(ctx, ctx.principal.keyPrefix, input, true)),
});

interface Entry {
  readonly account_id: bigint;
  readonly amount_usd: bigint;
  readonly reason: string;
  readonly reference: string;
}

async function enter(ctx: TrpcContext, actor: string, input: Entry, adjustment: boolean) {
  const entered = await ctx.gateway.billing.addCredit(
    {
      accountId: input.account_id,
      amountNanoUsd: input.amount_usd,
      adjustment,
      actor,
      reason: input.reason,
      reference: input.reference,
    },
    callOptions(ctx),
  );
  return {
    entry: ledgerEntryOut(present(entered.entry), ctx.gateway.config.idStyle),
    balance_usd: formatUsd(entered.balanceNanoUsd),
  };
}
