import { z } from "zod";
import { id, limit, limits, name, usd } from "./input.ts";
import { accountOut, accountStates, policies, present, storeResponses } from "./output.ts";
import { adminRead, adminWrite, callOptions, router } from "./procedures.ts";

const creditFloor = usd.refine((value) => value <= 0n, "must be 0 or negative");
const changeable = {
  group: name.optional(),
  state: z.enum(["active", "suspended"]).optional(),
  credit_floor_usd: creditFloor.optional(),
  disconnect_policy: z.enum(["charge_delivered", "drain", "refund"]).optional(),
  store_response: z.enum(["full", "truncated", "none"]).optional(),
  limits: limits.optional(),
};
const createInput = z.strictObject({ name, ...changeable });
type Changes = Omit<z.output<typeof createInput>, "name">;

/** The changes as billing takes them; what is not given is left out. */
function changes(given: Changes) {
  return {
    ...(given.group === undefined ? {} : { group: given.group }),
    ...(given.state === undefined ? {} : { state: accountStates[given.state] }),
    ...(given.credit_floor_usd === undefined ? {} : { creditFloorNanoUsd: given.credit_floor_usd }),
    ...(given.disconnect_policy === undefined ? {} : { disconnectPolicy: policies[given.disconnect_policy] }),
    ...(given.store_response === undefined ? {} : { storeResponse: storeResponses[given.store_response] }),
    ...(given.limits === undefined ? {} : { limits: given.limits }),
  };
}

/** Accounts. */
export const accounts = router({
  /** Creates an account. The same name and content again answers the first. */
  create: adminWrite.input(createInput).mutation(async ({ ctx, input }) => {
    const account = { name: input.name, ...changes(input) };
    const created = await ctx.gateway.billing.createAccount({ account }, callOptions(ctx));
    return accountOut(present(created.account));
  }),

  /** Changes what is given; limits are replaced as a whole. */
  update: adminWrite
    .input(z.strictObject({ account_id: id, name: name.optional(), ...changeable }))
    .mutation(async ({ ctx, input }) => {
      const renamed = input.name === undefined ? {} : { name: input.name };
      const request = { accountId: input.account_id, ...renamed, ...changes(input) };
      const updated = await ctx.gateway.billing.updateAccount(request, callOptions(ctx));
      return accountOut(present(updated.account));
    }),

  /** Reads an account by its ID or its name. */
  get: adminRead
    .input(z.union([z.strictObject({ account_id: id }), z.strictObject({ name })]))
    .query(async ({ ctx, input }) => {
      const asked = "name" in input ? { name: input.name } : { accountId: input.account_id };
      const found = await ctx.gateway.billing.getAccount(asked, callOptions(ctx));
      return accountOut(present(found.account));
    }),

  /** Lists accounts by ID. */
  list: adminRead
    .input(z.strictObject({ after_account_id: id.optional(), limit: limit.default(100) }).prefault({}))
    .query(async ({ ctx, input }) => {
      const asked = { afterAccountId: input.after_account_id ?? 0n, limit: input.limit };
      const page = await ctx.gateway.billing.listAccounts(asked, callOptions(ctx));
      return { accounts: page.accounts.map(accountOut), has_more: page.hasMore };
    }),
});
