import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSimulator, type Simulator } from "../../services/simulator/simulator.ts";
import { statement } from "../../shared/db/index.ts";
import { expectSoundBooks } from "../e2e/administration.ts";
import { bootstrapKey, eventually } from "../e2e/deployment.ts";
import { type Roles, startRoles } from "./roles.ts";

/*
 * A batch with lines that fail, while gateway, jobs and then provider and billing are killed in its middle: each line has one record and
 * is charged once or is free, the sum of the charges is the batch's, and nothing stays reserved.
 * LINES: how many (300); by hand 10,000. BATCHES=vendor: the lines are a batch of the upstream's own.
 */

const lines = Number(process.env.LINES ?? 300);
const isByVendor = process.env.BATCHES === "vendor";
const path = "/v1/chat/completions";
/** One line in a hundred fails at its upstream, another one is refused by the gateway. A vendor's batch has one model, of which 1 % fail. */
const bodyOf = (i: number): object => {
  const messages = [{ role: "user", content: `line ${i}` }];
  const model = isByVendor ? "batch/sim-flaky-1+job-run-3000" : i % 100 === 37 ? "sim-status-400" : "sim-plain";
  return i % 100 === 73 ? { model } : { model, messages };
};
const fails = (i: number): boolean => i % 100 === 37 || i % 100 === 73;
/** Lines that fail: those, or of a vendor's batch the refused ones and one in a hundred of the others. */
const refused = Array.from({ length: lines }, (_, i) => i).filter((i) => i % 100 === 73).length;
const bad = Array.from({ length: lines }, (_, i) => i).filter(fails);
const failed = isByVendor ? refused + Math.floor((lines - refused) / 100) : bad.length;

const configOf = (url: string): string => `
strategies:
  - { name: at-a-price, prices: { input: "1.00", output: "2.00" } }
models:
  - { name: "batch/sim-*", strategy: at-a-price }
channels:
  - name: vendor
    adapter: openai
    base_url: ${url}/v1
    batches: vendor
    models: [{ name: "batch/sim-*", upstream: "sim-*" }]
    groups: "*"
`;

let roles: Roles;
let vendor: Simulator;
let folder: string;
beforeAll(async () => {
  vendor = await createSimulator({});
  folder = await mkdtemp(join(tmpdir(), "throughline-batch-kills-"));
  await writeFile(join(folder, "throughline.yaml"), configOf(vendor.url));
  roles = await startRoles({
    THROUGHLINE_CONFIG: join(folder, "throughline.yaml"),
    ...{ JOBS_FIRST_POLL: "200ms", JOBS_MAX_POLL: "500ms" },
    RESERVATION_TTL_MS: "20s",
    SWEEP_INTERVAL_MS: "500ms",
    RECONCILE_LAG_MS: "5s",
    RECONCILE_INTERVAL_MS: "500ms",
    LOG_LEVEL: "fatal",
  });
}, 120_000);
afterAll(async () => {
  await roles?.[Symbol.asyncDispose]();
  await vendor?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const done = statement(
  "batch_kills_done",
  "select succeeded + failed as n, total, state from jobs.batch order by batch_id desc limit 1",
);
const ofLines = statement(
  "batch_kills_lines",
  `select l.entry_id as id, l.kind, l.amount from billing.ledger l where l.entry_id = any ($1::bigint[]) and l.kind in (1, 2)`,
);
const recorded = statement(
  "batch_kills_records",
  "select request_id as id, status, billed_nano_usd as billed from history.record where request_id = any ($1::bigint[])",
);
const whole = statement(
  "batch_kills_whole",
  "select kind, amount from billing.ledger where entry_id = $1 and kind in (1, 2)",
);

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly output_file_id: string;
  readonly error_file_id: string;
  readonly request_counts: { readonly total: number; readonly completed: number; readonly failed: number };
}

const headers = { authorization: `Bearer ${bootstrapKey}` };

async function make(): Promise<Shown> {
  const input = Array.from({ length: lines }, (_, i) =>
    JSON.stringify({ custom_id: `line-${i}`, method: "POST", url: path, body: bodyOf(i) }),
  ).join("\n");
  const form = new FormData();
  form.append("purpose", "batch");
  form.append("file", new Blob([input]), "in.jsonl");
  // The gateway serves before jobs is there.
  const { id } = await eventually(async () => {
    const uploaded = await fetch(`${roles.url}/v1/files`, { method: "POST", headers, body: form });
    return uploaded.ok ? ((await uploaded.json()) as { id: string }) : undefined;
  }, 30_000);
  const made = await roles.call("/v1/batches", { input_file_id: id, endpoint: path, completion_window: "24h" });
  const text = await made.text();
  expect([made.status, text]).toEqual([200, expect.any(String)]);
  return JSON.parse(text) as Shown;
}

/** Waits until so many lines are done. */
async function progress(part: number): Promise<void> {
  await eventually(async () => {
    const [row] = await roles.db.query<{ n: number; total: number; state: number }>(done, []);
    return row !== undefined && (row.n >= part * lines || row.state > 2) ? true : undefined;
  }, 300_000);
}

async function textOf(
  fileId: string,
): Promise<{ custom_id: string; response: { request_id: string; status_code: number } }[]> {
  const response = await fetch(`${roles.url}/v1/files/${fileId}/content`, { headers });
  const text = await response.text();
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const phase = statement("batch_kills_phase", "select phase from jobs.vendor_batch order by batch_id desc limit 1");

/** Kills jobs while it writes the lines of a vendor's batch, in each phase that follows, and as it reads the results. */
async function killOnTheWay(): Promise<void> {
  for (const wanted of [1, 2, 4, 5, 6]) {
    await eventually(async () => {
      const [row] = await roles.db.query<{ phase: number }>(phase, []);
      return row !== undefined && row.phase >= wanted ? true : undefined;
    }, 120_000);
    await roles.kill("jobs", ...(wanted === 1 ? (["gateway"] as const) : []));
    await roles.start(wanted === 1 ? ["jobs", "gateway"] : ["jobs"]);
  }
}

test("each line is recorded once and charged once or free, whoever is killed in the middle", {
  timeout: 900_000,
}, async () => {
  const { id } = await make();
  if (isByVendor) await killOnTheWay();
  await progress(0.15);
  await roles.kill("gateway", "jobs");
  await roles.start(["gateway", "jobs"]);
  await progress(0.5);
  await roles.kill("jobs");
  await roles.start(["jobs"]);
  await progress(0.7);
  await roles.kill("provider", "billing");
  await roles.start(["provider", "billing"]);
  const batch = await eventually(async () => {
    const response = await fetch(`${roles.url}/v1/batches/${id}`, { headers });
    const shown = (await response.json()) as Shown;
    return shown.status === "completed" ? shown : undefined;
  }, 600_000);

  expect(batch.request_counts).toEqual({ total: lines, completed: lines - failed, failed });
  const [output, errors] = [await textOf(batch.output_file_id), await textOf(batch.error_file_id)];
  if (isByVendor) expect(vendor.requests.filter(({ path }) => path === "/v1/batches")).toHaveLength(1);
  else expect(errors.map(({ custom_id }) => custom_id)).toEqual(bad.map((i) => `line-${i}`));
  expect(output).toHaveLength(lines - failed);
  const all = [...output, ...errors];
  expect(new Set(all.map(({ custom_id }) => custom_id)).size).toBe(lines);
  const ids = all.map(({ response }) => response.request_id);
  expect(new Set(ids).size).toBe(lines);

  // Records follow settlements; what was lost with a process is made up for.
  const records = await eventually(async () => {
    const rows = await roles.db.query<{ id: bigint; status: number; billed: bigint | null }>(recorded, [ids]);
    return rows.length >= lines ? rows : undefined;
  }, 60_000);
  expect(records).toHaveLength(lines);
  const entries = await roles.db.query<{ id: bigint; kind: number; amount: bigint }>(ofLines, [ids]);
  const charges = entries.filter(({ kind }) => kind === 1);
  expect(new Set(charges.map((entry) => entry.id)).size).toBe(charges.length);
  expect(charges.map((entry) => entry.id.toString()).sort()).toEqual(
    output.map(({ response }) => response.request_id).sort(),
  );
  const charged = charges.reduce((sum, { amount }) => sum - amount, 0n);
  expect(charged).toBeGreaterThan(0n);
  expect(records.reduce((sum, { billed }) => sum + (billed ?? 0n), 0n)).toBe(charged);
  const [own] = await roles.db.query<{ kind: number; amount: bigint }>(whole, [id.replace("batch_", "")]);
  expect(own?.amount).toBe(0n);
  await expectSoundBooks(roles as never, 60_000);
});
