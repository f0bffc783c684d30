import type { AdminClient } from "./admin-client.ts";
import { CommandError } from "./command.ts";

/** The client, loaded when a command runs: `--help` answers at once. */
export async function connect(): Promise<AdminClient> {
  return (await import("./admin-client.ts")).openAdminClient();
}

/** As `connect`, for a command that follows what happens. */
export async function connectToFollow(): Promise<AdminClient> {
  const [{ openAdminClient }, { subscribing }] = await Promise.all([
    import("./admin-client.ts"),
    import("./subscriptions.ts"),
  ]);
  return openAdminClient(subscribing);
}

/**
 * The ID of an account that is named by its ID or its name. A name of digits alone, such as a cost centre's, may be the ID
 * of another account: then neither is guessed, for money may depend on it.
 */
export async function accountId(client: AdminClient, text: string): Promise<string> {
  if (!/^\d{1,18}$/.test(text)) return (await client.accounts.get.query({ name: text })).account_id;
  const named = await idOf(client.accounts.get.query({ name: text }));
  if (named === undefined || named === text) return text;
  if ((await idOf(client.accounts.get.query({ account_id: text }))) === undefined) return named;
  throw new CommandError(
    `${text} is the name of account ${named} and the ID of another: say ${named}, or the name of the other`,
  );
}

/** The ID of the account that was asked for; undefined: there is none. */
async function idOf(asked: Promise<{ readonly account_id: string }>): Promise<string | undefined> {
  try {
    return (await asked).account_id;
  } catch (error) {
    const data: unknown = Reflect.get(Object(error), "data");
    if (Reflect.get(Object(data), "code") === "not_found") return undefined;
    throw error;
  }
}

/** As accountId; undefined stands for all accounts. */
export async function accountFilter(client: AdminClient, text: string | undefined): Promise<{ account_id?: string }> {
  return text === undefined ? {} : { account_id: await accountId(client, text) };
}
