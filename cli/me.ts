import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { connect } from "./client.ts";
import { prints } from "./command.ts";
import { leftText, limitsText } from "./limits.ts";
import { durationMs } from "./parse.ts";
import { facts } from "./table.ts";

const dayMs = 86_400_000;

interface RotateOptions {
  readonly overlap: number;
  readonly idempotencyKey?: string;
}

/** `me get | rotate`: the key that the command line uses, of whatever kind. */
export function me(program: Command): void {
  const group = program
    .command("me")
    .description("the key of THROUGHLINE_ADMIN_KEY, of any kind: what it has left; rotation");

  prints(
    group.command("get").description("what the key is, may do and has left"),
    async () => (await connect()).me.get.query(),
    ({ key, account, group: name, operator }) =>
      facts({
        key_id: key.key_id,
        name: key.name,
        kind: key.kind,
        starts_with: key.prefix,
        scopes: key.scopes.join(", "),
        expires: key.expires_time,
        account: `${account.name} (${account.account_id})`,
        group: name,
        operator: String(operator),
        balance_usd: account.balance_usd,
        available_usd: account.available_usd,
        limits: limitsText(key.limits),
        left: leftText(key.standing),
        account_limits: limitsText(account.limits),
        account_left: leftText(account.standing),
      }),
  );

  prints(
    group
      .command("rotate")
      .description("give the key a new secret; the key of a data folder is kept there, any other is shown this once")
      .option("--overlap <time>", "how long the old secret still works, 0 to 30d", durationMs, dayMs)
      .option("--idempotency-key <text>", "a repeat with the same one gives the same secret"),
    async ({ overlap, idempotencyKey = randomUUID() }: RotateOptions) => {
      const rotated = await (await connect()).me.rotate.mutate({
        overlap_ms: overlap,
        idempotency_key: idempotencyKey,
      });
      const { keepNewSecret } = await import("./admin-client.ts");
      return { ...rotated, ...keepNewSecret(rotated.secret) };
    },
    ({ secret, kept_in, not_kept, ...key }) => {
      const shown =
        kept_in === undefined ? `secret, shown this once: ${secret}` : `the new secret is kept in ${kept_in}`;
      const why = not_kept === undefined ? "" : `it could not be kept: ${not_kept}\n`;
      return `${facts({ key_id: key.key_id, name: key.name, starts_with: key.prefix, old_secrets_end: key.old_secrets_end_time })}${why}${shown}\n`;
    },
  );
}
