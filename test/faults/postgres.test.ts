import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EmbeddedPostgres, startEmbeddedPostgres, statement } from "../../shared/db/index.ts";
import { silentLog } from "../../shared/db/testing.ts";
import { adminKey, expectSoundBooks } from "../e2e/administration.ts";
import { type Deployment, eventually, startDeployment } from "../e2e/deployment.ts";

/*
 * PostgreSQL is stopped under load and started again on the same port and data. Requests wait or get 503 with an ID; what
 * was answered is charged and recorded once, what was not costs nothing. FAULT_SECONDS: how long it is away (5).
 */

const awayMs = Number(process.env.FAULT_SECONDS ?? 5) * 1_000;
const clients = 10;

const unrecorded = statement(
  "postgres_unrecorded",
  `select l.entry_id from billing.ledger l
   where l.kind in (1, 2) and not exists (select from history.record r where r.request_id = l.entry_id) limit 20`,
);
const unfinished = statement(
  "postgres_unfinished",
  `select u.request_id from history.unfinished u
   where not exists (select from history.record r where r.request_id = u.request_id) limit 20`,
);
const charges = statement(
  "postgres_charges",
  "select entry_id, amount from billing.ledger where kind = 1 and entry_id = any($1::bigint[])",
);
const recorded = statement(
  "postgres_recorded",
  "select request_id, status from history.record where request_id = any($1::bigint[])",
);

interface Seen {
  readonly id: bigint;
  readonly status: number;
  /** The answer came to its end without an in-band error. */
  readonly whole: boolean;
  readonly text: string;
  readonly retryAfter: string | null;
  readonly startedMs: number;
  readonly tookMs: number;
}

let house: Deployment;
let postgres: EmbeddedPostgres;
let dataDir = "";
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "throughline-fault-"));
  postgres = await startEmbeddedPostgres({ dataDir, log: silentLog });
  house = await startDeployment(
    "mesh",
    {
      THROUGHLINE_ADMIN_KEY: adminKey,
      RESERVATION_TTL_MS: "3s",
      SWEEP_INTERVAL_MS: "500ms",
      RECONCILE_LAG_MS: "1s",
      RECONCILE_INTERVAL_MS: "500ms",
      PROCESSING_AFTER_MS: "20ms",
      LOG_LEVEL: "warn",
    },
    postgres.url,
  );
}, 90_000);
afterAll(async () => {
  await house?.[Symbol.asyncDispose]();
  await postgres?.stop();
  await rm(dataDir, { recursive: true, force: true });
}, 60_000);

test("PostgreSQL away under load: nothing is lost, doubled or left open", async () => {
  const seen: Seen[] = [];
  let broken = 0;
  let stopped = false;

  async function load(): Promise<void> {
    for (let turn = 0; !stopped; turn++) {
      const stream = turn % 2 === 0;
      const model = turn % 3 === 0 ? "sim-slow-chunks-20" : "gpt-4o-mini";
      const body = { model, stream, messages: [{ role: "user", content: "Hello" }] };
      const startedMs = performance.now();
      try {
        const response = await house.call("/v1/chat/completions", body, {}, AbortSignal.timeout(60_000));
        const text = await response.text();
        seen.push({
          id: BigInt(response.headers.get("request-id") ?? 0),
          status: response.status,
          whole: response.status === 200 && (!stream || text.endsWith("data: [DONE]\n\n")),
          text,
          retryAfter: response.headers.get("retry-after"),
          startedMs,
          tookMs: performance.now() - startedMs,
        });
        if (response.status !== 200) await delay(50);
      } catch {
        broken++;
      }
    }
  }
  const answeredAfter = (count: number) =>
    eventually(() => (seen.filter(({ whole }) => whole).length > count ? true : undefined), 60_000);

  const running = Array.from({ length: clients }, load);
  await answeredAfter(clients * 4);
  await postgres.stop();
  const downMs = performance.now();
  await delay(awayMs);
  const upMs = performance.now();
  postgres = await startEmbeddedPostgres({ dataDir, log: silentLog, settings: { port: String(postgres.port) } });
  await answeredAfter(seen.filter(({ whole }) => whole).length + clients * 4);
  stopped = true;
  await Promise.all(running);

  // No connection to the edge broke, and whatever was not answered says 503, with its ID and when to ask again.
  expect(broken).toBe(0);
  const refused = seen.filter(({ status }) => status !== 200);
  for (const { id, status, text, retryAfter } of refused) {
    expect([status, text]).toMatchObject([503, expect.stringContaining('"code":"service_unavailable"')]);
    expect(text).toContain(`"request_id":"${id}"`);
    expect(Number(retryAfter)).toBeGreaterThanOrEqual(1);
  }
  // An upstream's answer that was under way is not cut because the database went away.
  expect(seen.filter(({ status, whole }) => status === 200 && !whole)).toEqual([]);
  // Requests that came meanwhile waited for it: some were answered after it came back, none while it was away.
  const waited = seen.filter(({ startedMs, tookMs }) => startedMs < upMs && startedMs + tookMs > upMs);
  expect(waited.some(({ whole }) => whole)).toBe(true);
  expect(seen.filter(({ startedMs, whole }) => whole && startedMs > downMs && startedMs < upMs)).toEqual(
    waited.filter(({ startedMs, whole }) => whole && startedMs > downMs),
  );

  await eventually(
    async () => ((await house.db.query(unrecorded, [])).length === 0 ? true : undefined),
    30_000 + awayMs,
  );
  await eventually(async () => ((await house.db.query(unfinished, [])).length === 0 ? true : undefined), 30_000);
  await expectSoundBooks(house, 20_000);

  const answered = seen.filter(({ whole }) => whole).map(({ id }) => id);
  const charged = await house.db.query<{ entry_id: bigint; amount: bigint }>(charges, [answered]);
  expect(new Set(charged.map(({ entry_id }) => entry_id))).toEqual(new Set(answered));
  expect(charged).toHaveLength(answered.length);
  expect(charged.every(({ amount }) => amount < 0n)).toBe(true);
  expect(await house.db.query(charges, [refused.map(({ id }) => id)])).toEqual([]);
  const records = await house.db.query<{ request_id: bigint; status: number }>(recorded, [answered]);
  const statusOf = new Map(records.map(({ request_id, status }) => [request_id, status]));
  for (const id of answered) expect(statusOf.get(id), `record of ${id}`).toBe(4);
  expect(records).toHaveLength(answered.length);
}, 180_000);
