import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { statement } from "../../shared/db/index.ts";
import { type Deployment, eventually, startDeployment } from "../e2e/deployment.ts";

/*
 * kill -9 of each of the five processes under load. Afterwards every accepted request has ended with exactly one
 * terminal record, no reservation is open past its life, and every balance is the sum of its ledger.
 */

const roles = ["provider-adapter", "billing", "history", "routing", "gateway"];
const clients = 12;

const openReservations = statement("kill_open", "select count(*)::int as n from billing.reservation");
const unfinished = statement(
  "kill_unfinished",
  `select count(*)::int as n from history.unfinished u
   where not exists (select from history.record r where r.request_id = u.request_id)`,
);
const unrecorded = statement(
  "kill_unrecorded",
  `select l.entry_id from billing.ledger l
   where l.kind in (1, 2) and not exists (select from history.record r where r.request_id = l.entry_id) limit 20`,
);
const endings = statement("kill_endings", "select count(*)::int as n from billing.ledger where kind in (1, 2)");
const doubled = statement(
  "kill_doubled",
  `select entry_id from billing.ledger where kind in (1, 2) group by entry_id, kind having count(*) > 1 limit 20`,
);
const unbalanced = statement(
  "kill_unbalanced",
  `select a.account_id, a.balance, sum(l.amount) from billing.account a join billing.ledger l using (account_id)
   group by a.account_id, a.balance having a.balance <> sum(l.amount)`,
);
const recorded = statement(
  "kill_recorded",
  "select request_id, status from history.record where request_id = any($1::bigint[])",
);

interface Seen {
  readonly id: bigint;
  readonly status: number;
  /** The answer came to its end without an in-band error. */
  readonly whole: boolean;
}

describe("kill -9 under load", () => {
  let house: Deployment;
  const seen: Seen[] = [];
  let stopped = false;
  let running: Promise<void>[] = [];
  let answered = 0;

  beforeAll(async () => {
    house = await startDeployment("mesh", {
      RESERVATION_TTL_MS: "3s",
      SWEEP_INTERVAL_MS: "500ms",
      RECONCILE_LAG_MS: "1s",
      RECONCILE_INTERVAL_MS: "500ms",
      PROCESSING_AFTER_MS: "20ms",
      LOG_LEVEL: "warn",
    });
  }, 90_000);
  afterAll(() => house?.[Symbol.asyncDispose](), 60_000);

  async function load(): Promise<void> {
    for (let turn = 0; !stopped; turn++) {
      const stream = turn % 2 === 0;
      const model = turn % 3 === 0 ? "sim-slow-chunks-10" : "gpt-4o-mini";
      const body = { model, stream, messages: [{ role: "user", content: "Hello" }] };
      let id = 0n;
      let status = 0;
      let whole = false;
      try {
        const response = await house.call("/v1/chat/completions", body, {}, AbortSignal.timeout(20_000));
        status = response.status;
        id = BigInt(response.headers.get("request-id") ?? 0);
        const text = await response.text();
        whole = status === 200 && (stream ? text.endsWith("data: [DONE]\n\n") : true);
        if (whole) answered++;
        else if (status !== 200) expect(text, "an error without the ID").toContain(`"request_id":"${id}"`);
      } catch {
        // The edge itself was killed: a client sees its connection break.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      if (id !== 0n) seen.push({ id, status, whole });
    }
  }

  async function ready(): Promise<void> {
    await eventually(async () => {
      const response = await house.call("/readyz").catch(() => undefined);
      return response?.ok ? true : undefined;
    }, 30_000);
  }

  test("nothing is lost, doubled or left open", async () => {
    running = Array.from({ length: clients }, load);
    for (const role of roles) {
      const before = answered;
      await eventually(() => (answered > before + 20 ? true : undefined), 30_000);
      const pid = house.pid(role);
      process.kill(pid, "SIGKILL");
      await eventually(() => (house.pid(role) !== pid ? true : undefined));
      await ready();
      const after = answered;
      await eventually(() => (answered > after + 20 ? true : undefined), 30_000);
    }
    stopped = true;
    await Promise.all(running);

    const count = async (what: typeof openReservations) => (await house.db.query<{ n: number }>(what, []))[0]?.n ?? 0;
    await eventually(async () => ((await count(openReservations)) === 0 ? true : undefined), 20_000);
    await eventually(async () => ((await house.db.query(unrecorded, [])).length === 0 ? true : undefined), 40_000);
    await eventually(async () => ((await count(unfinished)) === 0 ? true : undefined), 30_000);
    expect(await house.db.query(doubled, [])).toEqual([]);
    expect(await house.db.query(unbalanced, [])).toEqual([]);
    expect(await count(endings)).toBeGreaterThan(roles.length * 40);

    const accepted = seen.filter((one) => one.status === 200);
    const rows = await house.db.query<{ request_id: bigint; status: number }>(recorded, [
      accepted.map((one) => one.id),
    ]);
    const statusOf = new Map(rows.map((row) => [row.request_id, row.status]));
    for (const one of accepted) {
      expect(statusOf.get(one.id), `record of ${one.id}`).toBeDefined();
      if (one.whole) expect([4, 5]).toContain(statusOf.get(one.id));
    }
  }, 180_000);
});
