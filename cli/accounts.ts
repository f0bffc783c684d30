import { type Command, Option } from "commander";
import type { AdminClient } from "./admin-client.ts";
import { accountId, connect } from "./client.ts";
import { prints } from "./command.ts";
import { hasLimits, type LimitOptions, type Limits, limitsOf, limitsText, takesLimits } from "./limits.ts";
import { usd } from "./parse.ts";
import { facts, table } from "./table.ts";

type Account = Awaited<ReturnType<AdminClient["accounts"]["get"]["query"]>>;
type Created = Parameters<AdminClient["accounts"]["create"]["mutate"]>[0];

interface Options extends LimitOptions {
  readonly name?: string;
  readonly group?: string;
  readonly creditFloor?: string;
  readonly policy?: NonNullable<Created["disconnect_policy"]>;
  readonly store?: NonNullable<Created["store_response"]>;
  readonly state?: NonNullable<Created["state"]>;
  readonly operator?: boolean;
  readonly storeRequest?: boolean;
}

/** `accounts create | list | get | update`. */
export function accounts(program: Command): void {
  const group = program.command("accounts").description("who pays: balance, group, limits, policies");

  prints(
    takesAccount(group.command("create").description("create an account").argument("<name>", "its unique name")),
    async (name: string, options: Options) => (await connect()).accounts.create.mutate({ name, ...given(options) }),
    accountText,
  );

  prints(
    group.command("list").description("list all accounts"),
    async () => {
      const client = await connect();
      const found: Account[] = [];
      for (;;) {
        const after = found.at(-1)?.account_id;
        const page = await client.accounts.list.query({ ...(after && { after_account_id: after }), limit: 1_000 });
        found.push(...page.accounts);
        if (!page.has_more) return found;
      }
    },
    (found) =>
      table(
        found.map(({ account_id, name, group: of, state, balance_usd, reserved_usd }) => ({
          account_id,
          name,
          group: of,
          state,
          balance_usd,
          reserved_usd,
        })),
        "There are no accounts.",
      ),
  );

  prints(
    group.command("get").description("show one account").argument("<account>", "ID or name"),
    async (account: string) => {
      const client = await connect();
      return client.accounts.get.query({ account_id: await accountId(client, account) });
    },
    accountText,
  );

  prints(
    takesAccount(
      group.command("update").description("change what is given").argument("<account>", "ID or name"),
    ).option("--name <name>", "new name"),
    async (account: string, options: Options) => {
      const client = await connect();
      const account_id = await accountId(client, account);
      const renamed = options.name === undefined ? {} : { name: options.name };
      const before = hasLimits(options) ? (await client.accounts.get.query({ account_id })).limits : {};
      return client.accounts.update.mutate({ account_id, ...renamed, ...given(options, before) });
    },
    accountText,
  );
}

function takesAccount(command: Command): Command {
  command
    .option("--group <name>", "group of its keys: the channels that they may use, and the price ratio")
    .option("--credit-floor <usd>", "what the balance may fall to: 0 or negative", usd)
    .addOption(
      new Option("--policy <policy>", "what to charge when a client leaves").choices([
        "charge_delivered",
        "drain",
        "refund",
      ]),
    )
    .addOption(new Option("--store <what>", "what history keeps of answers").choices(["full", "truncated", "none"]))
    .option("--store-request", "history keeps what its requests say, for HISTORY_REQUEST_RETENTION")
    .option("--no-store-request", "history keeps nothing of what its requests say, as of all accounts unless said")
    .option("--operator", "its administration keys reach the whole platform")
    .option("--no-operator", "its administration keys reach this account alone, as of all accounts unless said")
    .addOption(new Option("--state <state>", "suspended accounts run nothing").choices(["active", "suspended"]));
  return takesLimits(command);
}

function given(options: Options, before?: Limits) {
  return {
    ...(options.group === undefined ? {} : { group: options.group }),
    ...(options.creditFloor === undefined ? {} : { credit_floor_usd: options.creditFloor }),
    ...(options.policy === undefined ? {} : { disconnect_policy: options.policy }),
    ...(options.store === undefined ? {} : { store_response: options.store }),
    ...(options.storeRequest === undefined ? {} : { store_request: options.storeRequest }),
    ...(options.operator === undefined ? {} : { operator: options.operator }),
    ...(options.state === undefined ? {} : { state: options.state }),
    ...limitsOf(options, before),
  };
}

function accountText({ limits, ...account }: Account): string {
  return facts({ ...account, limits: limitsText(limits) });
}
