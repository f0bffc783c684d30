import { z } from "zod";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { groupIsOperators, reachedAccount } from "../reach.ts";
import { keyKinds, keyOut, present, rotatedOut } from "../view/payer.ts";
import { standingOut } from "../view/self.ts";
import { expiry, id, limit, limits, name, overlapMs, text } from "./input.ts";
import { adminRead, adminWrite, callOptions, router } from "./procedures.ts";

const list = z.array(text.min(1).max(200)).max(1_000);
/** A 401 would say that the caller's own key is no good; what was revoked is the key that it named. */
function ofNamedKey(thrown: unknown): never {
  if (ThroughlineError.from(thrown).code !== "revoked_api_key") throw thrown;
  throw new ThroughlineError("invalid_value", "This key was revoked; create a new key.", {
    param: "key_id",
    cause: thrown,
  });
}

/** Keys. A secret is in the answer to its making, and nowhere else. */
export const keys = router({
  /** Creates a key. */
  create: adminWrite
    .input(
      z.strictObject({
        account_id: id,
        name: text.max(200).default(""),
        kind: z.enum(["api", "server", "user", "cli"]).default("api"),
        user_id: text.max(200).default(""),
        scopes: list.min(1),
        allowed_models: list.default([]),
        allowed_cidrs: list.default([]),
        group: text.max(200).default(""),
        limits: limits.optional(),
        expires_time: expiry.optional(),
      }),
    )
    .mutation(async ({ ctx, input }) => {
      groupIsOperators(ctx.principal, input.group !== "");
      const made = await ctx.gateway.billing.createKey(
        {
          key: {
            accountId: reachedAccount(ctx.principal, input.account_id),
            name: input.name,
            kind: keyKinds[input.kind],
            userId: input.user_id,
            scopes: input.scopes,
            allowedModels: input.allowed_models,
            allowedCidrs: input.allowed_cidrs,
            group: input.group,
            ...(input.limits === undefined ? {} : { limits: input.limits }),
            expiresUnixMs: input.expires_time ?? 0n,
          },
        },
        callOptions(ctx),
      );
      return { ...keyOut(present(made.key)), secret: made.secret };
    }),

  /** Changes what is given; lists and limits are replaced as a whole. `expires_time: null`: never. */
  update: adminWrite
    .input(
      z.strictObject({
        key_id: id,
        name: name.optional(),
        scopes: list.min(1).optional(),
        allowed_models: list.optional(),
        allowed_cidrs: list.optional(),
        group: text.max(200).optional(),
        limits: limits.optional(),
        expires_time: expiry.nullable().optional(),
      }),
    )
    .mutation(async ({ ctx, input }) => {
      // Also back to the account's own: a key may have been given a dearer group.
      groupIsOperators(ctx.principal, input.group !== undefined);
      const updated = await ctx.gateway.billing.updateKey(
        {
          keyId: input.key_id,
          accountId: reachedAccount(ctx.principal),
          ...(input.name === undefined ? {} : { name: input.name }),
          ...(input.scopes === undefined ? {} : { scopes: input.scopes, setScopes: true }),
          ...(input.allowed_models === undefined
            ? {}
            : { allowedModels: input.allowed_models, setAllowedModels: true }),
          ...(input.allowed_cidrs === undefined ? {} : { allowedCidrs: input.allowed_cidrs, setAllowedCidrs: true }),
          ...(input.group === undefined ? {} : { group: input.group }),
          ...(input.limits === undefined ? {} : { limits: input.limits }),
          ...(input.expires_time === undefined ? {} : { expiresUnixMs: input.expires_time ?? 0n }),
        },
        callOptions(ctx),
      );
      return keyOut(present(updated.key));
    }),

  /** Gives a key a new secret; the old one works for the overlap. */
  rotate: adminWrite
    .input(z.strictObject({ key_id: id, overlap_ms: overlapMs.default(0) }))
    .mutation(async ({ ctx, input }) => {
      const accountId = reachedAccount(ctx.principal);
      const request = { keyId: input.key_id, accountId, overlapMs: BigInt(input.overlap_ms) };
      return rotatedOut(await ctx.gateway.billing.rotateKey(request, callOptions(ctx)).catch(ofNamedKey));
    }),

  /** Revokes a key; a repeat is fine. */
  revoke: adminWrite.input(z.strictObject({ key_id: id })).mutation(async ({ ctx, input }) => {
    const accountId = reachedAccount(ctx.principal);
    const revoked = await ctx.gateway.billing.revokeKey({ keyId: input.key_id, accountId }, callOptions(ctx));
    return keyOut(present(revoked.key));
  }),

  /** Lists keys by ID, of one account or of all that are reached; `with_standing`: with what each has used and left of its limits. */
  list: adminRead
    .input(
      z
        .strictObject({
          account_id: id.optional(),
          after_key_id: id.optional(),
          limit: limit.default(100),
          with_standing: z.boolean().default(false),
        })
        .prefault({}),
    )
    .query(async ({ ctx, input }) => {
      const accountId = reachedAccount(ctx.principal, input.account_id);
      const { after_key_id: afterKeyId = 0n, limit: most, with_standing: withStanding } = input;
      const page = await ctx.gateway.billing.listKeys(
        { accountId, afterKeyId, limit: most, withStanding },
        callOptions(ctx),
      );
      const keys = page.keys.map((key, i) => {
        const standing = page.standings[i];
        return { ...keyOut(key), standing: standing === undefined ? null : standingOut(key.limits, standing) };
      });
      return { keys, has_more: page.hasMore };
    }),
});
