import { z } from "zod";
import { rotatedOut } from "../view/payer.ts";
import { selfOut } from "../view/self.ts";
import { overlapMs, text } from "./input.ts";
import { callOptions, changeOfSelf, ofSelf, router } from "./procedures.ts";

/** How long the old secret works where the call does not say: who holds it has a day to take the new one. */
const defaultOverlapMs = 86_400_000;

/** The key that calls. */
export const me = router({
  /** What the key is, may do and has left: for its owner, whatever its kind. */
  get: ofSelf.query(async ({ ctx }) => {
    const { accountId, keyId } = ctx.principal;
    return selfOut(await ctx.gateway.billing.getStanding({ accountId, keyId }, callOptions(ctx)), ctx.principal);
  }),

  /**
   * Gives the key that calls a new secret; the old one works for the overlap. Limits, budgets, scopes and records stay with the key.
   * A repeat with the same `idempotency_key` gives the same secret for as long as the old one works.
   */
  rotate: changeOfSelf
    .input(
      z
        .strictObject({
          overlap_ms: overlapMs.default(defaultOverlapMs),
          idempotency_key: text.min(1).max(200).optional(),
        })
        .prefault({}),
    )
    .mutation(async ({ ctx, input }) => {
      const { gateway, incoming, principal } = ctx;
      const { accountId, keyId } = principal;
      const rotated = await gateway.billing.rotateKey(
        {
          ...{ accountId, keyId, overlapMs: BigInt(input.overlap_ms), idempotencyKey: input.idempotency_key ?? "" },
          ownSecretSha256: Buffer.from(incoming.secretSha256, "latin1"),
        },
        callOptions(ctx),
      );
      // This edge need not wait for a refusal to learn it, as others do.
      gateway.principals.delete(incoming.secretSha256);
      return rotatedOut(rotated);
    }),
});
