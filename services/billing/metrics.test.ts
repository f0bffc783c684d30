import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { createTestTelemetry } from "../../shared/telemetry/testing.ts";
import { createPayer, nextRequestId, type Payer, reserve, settle, startReplica, type TestBilling } from "./testing.ts";

let postgres: TestPostgres;
let billing: TestBilling;
beforeAll(async () => {
  postgres = await testPostgres();
  billing = await startReplica(postgres.url);
});
afterAll(async () => {
  await billing.stop();
  await postgres.stop();
});

/** What another replica shows. It reads at its start, so what was done before is in it. */
async function shown(env: Readonly<Record<string, string>>, lookFor: RegExp): Promise<string> {
  const telemetry = createTestTelemetry(env, "billing");
  onTestFinished(() => telemetry.shutdown());
  await using _replica = await startReplica(postgres.url, {}, { metrics: telemetry.metrics });
  for (let tries = 0; ; tries += 1) {
    const text = await telemetry.metricsText();
    if (lookFor.test(text) || tries > 500) return text;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function charge(payer: Payer, amount: bigint): Promise<void> {
  const id = nextRequestId();
  await reserve(billing.client, payer, amount, id);
  await settle(billing.client, payer, amount, id);
}

test("the counters that alerts watch for their first rise are there from the start", async () => {
  const text = await shown({}, /^throughline_accounts_low\{owner="billing"\} 0$/m);
  expect(text).toMatch(/^throughline_sweeper_releases_total(\{[^}]*\})? 0$/m);
  expect(text).toMatch(/^throughline_charged_nano_usd_total\{module="chat"\} 0$/m);
  expect(text).toMatch(/^throughline_accounts_low\{owner="billing"\} 0$/m);
  expect(text).toMatch(/^throughline_budgets_low\{owner="billing",period="day"\} 0$/m);
});

test("what runs low is counted for all, and told by name only where metrics may name accounts, so many of them", async () => {
  const { client } = billing;
  // One that has less left than it was charged today, one that has plenty, and one that never asked for anything.
  const low = await createPayer(client, { creditNanoUsd: 150n, account: { name: "runs low" } });
  await charge(low, 100n);
  const rich = await createPayer(client, {
    creditNanoUsd: 1_000_000n,
    account: { name: "sk-live-0123456789abcdef", limits: { monthlyBudgetNanoUsd: 10_000n } },
    key: { name: "batch", limits: { dailyBudgetNanoUsd: 1_000n } },
  });
  await charge(rich, 900n);
  const idle = await createPayer(client, { creditNanoUsd: 0n, key: { limits: { dailyBudgetNanoUsd: 50n } } });

  const plain = await shown({}, /^throughline_accounts_low\{owner="billing"\} 1$/m);
  expect(plain).toMatch(/^throughline_accounts_low\{owner="billing"\} 1$/m);
  // The key's budget is used by nine tenths, the account's is not.
  expect(plain).toMatch(/^throughline_budgets_low\{owner="billing",period="day"\} 1$/m);
  expect(plain).toMatch(/^throughline_budgets_low\{owner="billing",period="month"\} 0$/m);
  expect(plain).not.toMatch(/throughline_(account_credit|account_charged|budget_left)_nano_usd/);

  const named = await shown({ METRICS_ACCOUNTS: "2" }, /^throughline_budget_left/m);
  const series = (name: string) =>
    named
      .split("\n")
      .filter((line) => line.startsWith(`throughline_${name}_nano_usd{`))
      .toSorted();
  expect(series("account_credit")).toEqual([
    `throughline_account_credit_nano_usd{account="${low.accountId}",name="runs low"} 50`,
    // A name that looks like a secret is hidden.
    `throughline_account_credit_nano_usd{account="${rich.accountId}",name="[redacted]"} 999100`,
    `throughline_account_credit_nano_usd{account="other",name="other"} 0`,
  ]);
  expect(series("account_charged").map((line) => line.split(" ").at(-1))).toEqual(["100", "900", "0"]);
  expect(series("budget_left")).toEqual([
    `throughline_budget_left_nano_usd{account="${rich.accountId}",name="[redacted]",key="",period="month"} 9100`,
    `throughline_budget_left_nano_usd{account="${rich.accountId}",name="batch",key="${rich.keyId}",period="day"} 100`,
    `throughline_budget_left_nano_usd{account="other",name="other",key="other",period="day"} 50`,
  ]);
  for (const { secret } of [low, rich, idle]) expect(named).not.toContain(secret);
});
