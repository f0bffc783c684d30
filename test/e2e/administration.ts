import { createTRPCClient, httpLink } from "@trpc/client";
import { expect } from "vitest";
import type { AppRouter } from "../../gateway/trpc/router.ts";
import { statement } from "../../shared/db/index.ts";
import { type Deployment, eventually } from "./deployment.ts";

/** The administration key that a deployment is given as THROUGHLINE_ADMIN_KEY. It looks like no key of ours or of a vendor, so no pattern hides it. */
export const adminKey = "e2e.admin.0123456789.abcdef";

/** The typed client of a deployment's administration. */
export function administer(house: Pick<Deployment, "url">) {
  const headers = { authorization: `Bearer ${adminKey}` };
  return createTRPCClient<AppRouter>({ links: [httpLink({ url: `${house.url}/trpc`, headers })] });
}

/** A typed client of the administration. */
export type Admin = ReturnType<typeof administer>;

/** What an account is created with. */
export type NewAccount = Omit<Parameters<Admin["accounts"]["create"]["mutate"]>[0], "name">;
/** What a key is created with. */
export type NewKey = Partial<Omit<Parameters<Admin["keys"]["create"]["mutate"]>[0], "account_id">>;

/** An account with one key. */
export interface Customer {
  readonly accountId: string;
  readonly keyId: string;
  readonly secret: string;
  /** Headers that the key is sent with. */
  readonly headers: Readonly<Record<string, string>>;
}

let customers = 0;

/** Opens an account with credit and a key. Names are unique within the process. */
export async function openCustomer(
  admin: Admin,
  { account = {}, key = {}, creditUsd = "10" }: { account?: NewAccount; key?: NewKey; creditUsd?: string } = {},
): Promise<Customer> {
  customers++;
  const { account_id: accountId } = await admin.accounts.create.mutate({ name: `customer-${customers}`, ...account });
  if (creditUsd !== "0") {
    await admin.credits.add.mutate({ account_id: accountId, amount_usd: creditUsd, reason: "test" });
  }
  const made = await admin.keys.create.mutate({ account_id: accountId, scopes: ["*"], ...key });
  return {
    accountId,
    keyId: made.key_id,
    secret: made.secret,
    headers: { authorization: `Bearer ${made.secret}` },
  };
}

const openReservations = statement("e2e_open", "select count(*)::int as n from billing.reservation");
const unbalanced = statement(
  "e2e_unbalanced",
  `select a.account_id, a.balance, sum(l.amount) from billing.account a left join billing.ledger l using (account_id)
   group by a.account_id, a.balance having a.balance <> coalesce(sum(l.amount), 0)`,
);

/** Waits until nothing is held any more, then expects every balance to be the sum of its ledger and the audit to find nothing. */
export async function expectSoundBooks(house: Pick<Deployment, "url" | "db">, withinMs = 10_000): Promise<void> {
  await eventually(async () => {
    const [open] = await house.db.query<{ n: number }>(openReservations, []);
    return open?.n === 0 ? true : undefined;
  }, withinMs);
  expect(await house.db.query(unbalanced, [])).toEqual([]);
  const audit = await administer(house).ledger.audit.query();
  expect(audit.checks.filter(({ offending }) => offending.length > 0)).toEqual([]);
  expect(audit.sound).toBe(true);
  expect(audit.checks.some(({ checked }) => checked > 0)).toBe(true);
}
