import { selfOut } from "../view/self.ts";
import { callOptions, ofSelf, router } from "./procedures.ts";

/** The key that calls. */
export const me = router({
  /** What the key is, may do and has left: for its owner, whatever its kind. */
  get: ofSelf.query(async ({ ctx }) => {
    const { accountId, keyId } = ctx.principal;
    return selfOut(await ctx.gateway.billing.getStanding({ accountId, keyId }, callOptions(ctx)), ctx.principal);
  }),
});
