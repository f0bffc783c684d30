import { z } from "zod";
import { reachedAccount } from "../reach.ts";
import { direction, id, limit, requestId, text } from "./input.ts";
import { ledgerEntryOut } from "./output.ts";
import { adminRead, callOptions, platformRead, router } from "./procedures.ts";

/** Time that an audit of a large ledger may take. */
const auditTimeoutMs = 600_000;

/** The ledger. */
export const ledger = router({
  /** Entries, newest first: of one account or of all, or those of one request. */
  list: adminRead
    .input(
      z
        .strictObject({
          account_id: id.optional(),
          request_id: requestId.optional(),
          cursor: text.max(500).default(""),
          direction,
          limit: limit.default(100),
        })
        .prefault({}),
    )
    .query(async ({ ctx, input }) => {
      const page = await ctx.gateway.billing.listLedger(
        {
          accountId: reachedAccount(ctx.principal, input.account_id),
          entryId: input.request_id ?? 0n,
          cursor: input.cursor,
          limit: input.limit,
        },
        callOptions(ctx),
      );
      const { idStyle } = ctx.gateway.config;
      return {
        entries: page.entries.map((entry) => ledgerEntryOut(entry, idStyle)),
        next_cursor: page.nextCursor || null,
      };
    }),

  /** Verifies the ledger's invariants on the live database. */
  audit: platformRead.query(async ({ ctx }) => {
    const { checks } = await ctx.gateway.billing.audit({}, callOptions(ctx, auditTimeoutMs));
    return {
      sound: checks.every((check) => check.offending.length === 0),
      checks: checks.map(({ name, checked, offending }) => ({ name, checked: Number(checked), offending })),
    };
  }),
});
