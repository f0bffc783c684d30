import { z } from "zod";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Account, Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { nobody, reachedAccount } from "../reach.ts";
import { accountOut, present, storeResponses } from "../view/payer.ts";
import { id, limit, limits, name, usd } from "./input.ts";
import { accountStates, policies } from "./output.ts";
import { adminRead, callOptions, platformWrite, router, type TrpcContext } from "./procedures.ts";

const creditFloor = usd.refine((value) => value <= 0n, "must be 0 or negative");
const changeable = {
  group: name.optional(),
  state: z.enum(["active", "suspended"]).optional(),
  credit_floor_usd: creditFloor.optional(),
  disconnect_policy: z.enum(["charge_delivered", "drain", "refund"]).optional(),
  store_response: z.enum(["full", "truncated", "none"]).optional(),
  /** Whether history keeps what its requests say, for a retention of its own. */
  store_request: z.boolean().optional(),
  limits: limits.optional(),
  /** Whether its administration keys reach the whole platform. */
  operator: z.boolean().optional(),
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
    ...(given.store_request === undefined ? {} : { storeRequest: given.store_request }),
    ...(given.operator === undefined ? {} : { operator: given.operator }),
    ...(given.limits === undefined ? {} : { limits: given.limits }),
  };
}

type Ctx = TrpcContext & { readonly principal: Principal };

async function numbered(ctx: Ctx, accountId: bigint): Promise<Account> {
  const reached = { accountId: reachedAccount(ctx.principal, accountId) };
  return present((await ctx.gateway.billing.getAccount(reached, callOptions(ctx))).account);
}

async function named(ctx: Ctx, wanted: string): Promise<Account> {
  if (ctx.principal.operator) {
    return present((await ctx.gateway.billing.getAccount({ name: wanted }, callOptions(ctx))).account);
  }
  const own = await numbered(ctx, ctx.principal.accountId);
  return own.name === wanted ? own : numbered(ctx, nobody);
}

/** Accounts. */
export const accounts = router({
  /** Creates an account. The same name and content again answers the first. */
  create: platformWrite.input(createInput).mutation(async ({ ctx, input }) => {
    const account = { name: input.name, ...changes(input) };
    const created = await ctx.gateway.billing.createAccount({ account }, callOptions(ctx));
    return accountOut(present(created.account));
  }),

  /** Changes what is given; limits are replaced as a whole. */
  update: platformWrite
    .input(z.strictObject({ account_id: id, name: name.optional(), ...changeable }))
    .mutation(async ({ ctx, input }) => {
      if (input.operator === false && input.account_id === ctx.principal.accountId) {
        throw new ThroughlineError(
          "invalid_value",
          "An operator's account cannot give up the platform by its own key.",
          {
            param: "operator",
          },
        );
      }
      const renamed = input.name === undefined ? {} : { name: input.name };
      const request = { accountId: input.account_id, ...renamed, ...changes(input) };
      const updated = await ctx.gateway.billing.updateAccount(request, callOptions(ctx));
      return accountOut(present(updated.account));
    }),

  /** Reads an account by its ID or its name. */
  get: adminRead
    .input(z.union([z.strictObject({ account_id: id }), z.strictObject({ name })]))
    .query(async ({ ctx, input }) => {
      return accountOut("name" in input ? await named(ctx, input.name) : await numbered(ctx, input.account_id));
    }),

  /** Lists accounts by ID; to a tenant's key its own. */
  list: adminRead
    .input(z.strictObject({ after_account_id: id.optional(), limit: limit.default(100) }).prefault({}))
    .query(async ({ ctx, input }) => {
      const { operator, accountId } = ctx.principal;
      if (!operator) {
        const listed = (input.after_account_id ?? 0n) < accountId ? [accountOut(await numbered(ctx, accountId))] : [];
        return { accounts: listed, has_more: false };
      }
      const asked = { afterAccountId: input.after_account_id ?? 0n, limit: input.limit };
      const page = await ctx.gateway.billing.listAccounts(asked, callOptions(ctx));
      return { accounts: page.accounts.map(accountOut), has_more: page.hasMore };
    }),
});
