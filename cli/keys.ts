import { type Command, Option } from "commander";
import type { AdminClient } from "./admin-client.ts";
import { accountFilter, accountId, connect } from "./client.ts";
import { prints } from "./command.ts";
import { hasLimits, type LimitOptions, type Limits, leftText, limitsOf, limitsText, takesLimits } from "./limits.ts";
import { durationMs, list, timeToCome } from "./parse.ts";
import { facts, table } from "./table.ts";

type Listed = Awaited<ReturnType<AdminClient["keys"]["list"]["query"]>>["keys"][number];
type Key = Omit<Listed, "standing">;
type Kind = NonNullable<Parameters<AdminClient["keys"]["create"]["mutate"]>[0]["kind"]>;

interface Options extends LimitOptions {
  readonly account: string;
  readonly kind: Kind;
  readonly name?: string;
  readonly user?: string;
  readonly scope?: string[];
  readonly model?: string[];
  readonly cidr?: string[];
  readonly group?: string;
  readonly expires?: string;
}

/** `keys create | list | update | rotate | revoke`. */
export function keys(program: Command): void {
  const group = program.command("keys").description("API keys: kinds, scopes, limits, rotation");

  prints(
    takesKey(group.command("create").description("create a key; its secret is shown this once"))
      .option("--account <account>", "ID or name", "default")
      .addOption(new Option("--kind <kind>", "what it is for").choices(["api", "server", "user", "cli"]).default("api"))
      .option("--user <id>", "end user that a user key is bound to"),
    async (options: Options) => {
      const client = await connect();
      const scopes = options.scope ?? (options.kind === "cli" ? ["admin.read", "admin.write"] : ["*"]);
      return client.keys.create.mutate({
        account_id: await accountId(client, options.account),
        kind: options.kind,
        ...(options.user === undefined ? {} : { user_id: options.user }),
        ...given(options),
        scopes,
      });
    },
    ({ secret, ...key }) => `${keyText(key)}\nsecret, shown this once: ${secret}\n`,
  );

  prints(
    group
      .command("list")
      .description("list keys; never their secrets")
      .option("--account <account>", "ID or name")
      .option("--left", "with what is left of their limits"),
    async ({ account, left = false }: { account?: string; left?: boolean }) => {
      const client = await connect();
      const of = await accountFilter(client, account);
      const found: Listed[] = [];
      for (;;) {
        const after = found.at(-1)?.key_id;
        const from = after === undefined ? {} : { after_key_id: after };
        const page = await client.keys.list.query({ ...of, ...from, limit: 1_000, with_standing: left });
        found.push(...page.keys);
        if (!page.has_more) return found;
      }
    },
    (found) =>
      table(
        found.map(({ key_id, account_id, kind, prefix, name, scopes, expires_time, revoked_time, standing }) => ({
          key_id,
          account_id,
          kind,
          starts_with: prefix,
          name,
          scopes: scopes.join(","),
          expires: expires_time,
          revoked: revoked_time,
          ...(standing === null ? {} : { left: leftText(standing) }),
        })),
        "There are no keys.",
      ),
  );

  prints(
    takesKey(group.command("update").description("change what is given").argument("<key>", "key ID")),
    async (key_id: string, options: Options) => {
      const scopes = options.scope === undefined ? {} : { scopes: options.scope };
      const client = await connect();
      const before = hasLimits(options) ? await limitsBefore(client, key_id) : {};
      return client.keys.update.mutate({ key_id, ...given(options, before), ...scopes });
    },
    keyText,
  );

  prints(
    group
      .command("rotate")
      .description("give a key a new secret, shown this once")
      .argument("<key>", "key ID")
      .option("--overlap <time>", "how long the old secret still works, e.g. 24h", durationMs, 0),
    async (key_id: string, { overlap }: { overlap: number }) =>
      (await connect()).keys.rotate.mutate({ key_id, overlap_ms: overlap }),
    ({ secret, ...key }) => `${keyText(key)}\nsecret, shown this once: ${secret}\n`,
  );

  prints(
    group.command("revoke").description("end a key at once, on every replica").argument("<key>", "key ID"),
    async (key_id: string) => (await connect()).keys.revoke.mutate({ key_id }),
    keyText,
  );
}

/** The limits of a key; none where there is no such key, which its update then says. */
async function limitsBefore(client: AdminClient, keyId: string): Promise<Limits> {
  const before = /^[1-9]\d{0,18}$/.test(keyId) ? BigInt(keyId) - 1n : 0n;
  const after = before === 0n ? {} : { after_key_id: before.toString() };
  const { keys: found } = await client.keys.list.query({ ...after, limit: 1 });
  return found.find(({ key_id }) => key_id === keyId)?.limits ?? {};
}

function takesKey(command: Command): Command {
  command
    .option("--name <name>", "name for people")
    .option("--scope <scope>", "e.g. chat, history.read; repeat or separate by commas", list)
    .option("--model <model>", "model that it may use; repeat or separate by commas; none: all", list)
    .option("--cidr <range>", "address that it may be used from; repeat or separate by commas; none: all", list)
    .option("--group <name>", "group; none: the account's")
    .option("--expires <time>", "when it ends: a date, a time, or in how long, e.g. 90d", timeToCome);
  return takesLimits(command);
}

function given(options: Omit<Options, "account" | "kind">, before?: Limits) {
  return {
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.model === undefined ? {} : { allowed_models: options.model }),
    ...(options.cidr === undefined ? {} : { allowed_cidrs: options.cidr }),
    ...(options.group === undefined ? {} : { group: options.group }),
    ...(options.expires === undefined ? {} : { expires_time: options.expires }),
    ...limitsOf(options, before),
  };
}

function keyText({ limits, scopes, allowed_models, allowed_cidrs, ...key }: Key): string {
  return facts({
    ...key,
    scopes: scopes.join(", "),
    allowed_models: allowed_models.join(", "),
    allowed_cidrs: allowed_cidrs.join(", "),
    limits: limitsText(limits),
  });
}
