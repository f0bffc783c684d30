import type { AdminClient } from "./admin-client.ts";

/** The client, loaded when a command runs: `--help` answers at once. */
export async function connect(): Promise<AdminClient> {
  return (await import("./admin-client.ts")).openAdminClient();
}

/** The ID of an account that is named by its ID or its name. */
export async function accountId(client: AdminClient, text: string): Promise<string> {
  if (/^\d+$/.test(text)) return text;
  return (await client.accounts.get.query({ name: text })).account_id;
}

/** As accountId; undefined stands for all accounts. */
export async function accountFilter(client: AdminClient, text: string | undefined): Promise<{ account_id?: string }> {
  return text === undefined ? {} : { account_id: await accountId(client, text) };
}
