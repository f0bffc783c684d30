import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI, { toFile } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSimulator, type Simulator } from "../../services/simulator/simulator.ts";
import { statement } from "../../shared/db/index.ts";
import { formatUsd } from "../../shared/money/usd.ts";
import { administer, adminKey, expectSoundBooks } from "./administration.ts";
import { type Deployment, eventually, startDeployment } from "./deployment.ts";

/* Batches that a vendor runs as its own, by the official SDKs: at the vendor's and at the platform's edge. */

const chat = "/v1/chat/completions";
/** Tests run together: what belongs to one is known by the text that its lines say. */
const saying = (content: string) => [{ role: "user" as const, content }];
const entries = statement(
  "vendor_batches_ledger",
  "select entry_id, kind, amount, list_price from billing.ledger where entry_id = any ($1::bigint[]) and kind in (1, 2)",
);
const reservations = statement(
  "vendor_batches_reserved",
  "select coalesce(sum(reserved), 0)::bigint as held from billing.account",
);

let simulator: Simulator;
let folder: string;
let house: Deployment;
let openai: OpenAI;
let anthropic: Anthropic;

const configOf = (url: string): string => `
strategies:
  - { name: at-a-price, list: true, prices: { input: "1.00", output: "2.00" } }
models:
  - { name: "o/sim-*", strategy: at-a-price }
  - { name: "a/sim-*", strategy: at-a-price }
channels:
  - name: vendor-o
    adapter: openai
    base_url: ${url}/v1
    batches: vendor
    models: [{ name: "o/sim-*", upstream: "sim-*" }]
    groups: "*"
  - name: vendor-a
    adapter: anthropic
    base_url: ${url}
    batches: { by: vendor, price_ratio: "0.25" }
    models: [{ name: "a/sim-*", upstream: "sim-*" }]
    groups: "*"
`;

beforeAll(async () => {
  simulator = await createSimulator({ maxRecords: 100_000 });
  folder = await mkdtemp(join(tmpdir(), "throughline-vendor-batches-"));
  const file = join(folder, "throughline.yaml");
  await writeFile(file, configOf(simulator.url));
  house = await startDeployment("up", {
    ...{ THROUGHLINE_CONFIG: file, THROUGHLINE_ADMIN_KEY: adminKey, LOG_LEVEL: "error" },
    ...{ JOBS_FIRST_POLL: "50ms", JOBS_MAX_POLL: "100ms" },
  });
  openai = new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1`, maxRetries: 0 });
  anthropic = new Anthropic({ apiKey: house.key, baseURL: house.url, maxRetries: 0 });
}, 90_000);
afterAll(async () => {
  await house?.[Symbol.asyncDispose]();
  await simulator?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

interface Line {
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly request_id: string; readonly body: object } | null;
  readonly error: { readonly code: string } | null;
}

/** Has so many lines for one model run, and gives the batch that has ended with its lines. */
async function run(model: string, count: number, more: object = {}) {
  const messages = saying(`Say ${model}`);
  const made = await make(Array.from({ length: count }, () => ({ model, messages, ...more })));
  return finished(made.id);
}

async function make(bodies: readonly object[]) {
  const text = bodies.map((body, i) => JSON.stringify({ custom_id: `line-${i}`, method: "POST", url: chat, body }));
  const file = await toFile(Buffer.from(text.join("\n")), "in.jsonl");
  const { id } = await openai.files.create({ file, purpose: "batch" });
  return openai.batches.create({ input_file_id: id, endpoint: chat, completion_window: "24h" });
}

async function finished(id: string) {
  const batch = await eventually(async () => {
    const now = await openai.batches.retrieve(id);
    return ["completed", "cancelled", "expired"].includes(now.status) ? now : undefined;
  }, 60_000);
  const linesOf = async (fileId: string | null | undefined): Promise<Line[]> => {
    if (fileId === undefined || fileId === null) return [];
    const text = await (await openai.files.content(fileId)).text();
    return text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
  };
  return { batch, output: await linesOf(batch.output_file_id), errors: await linesOf(batch.error_file_id) };
}

/** What was charged for lines, by their requests. */
async function chargesOf(lines: readonly Line[]): Promise<bigint[]> {
  const ids = lines.flatMap(({ response }) => response?.request_id ?? []);
  const rows = await house.db.query<{ entry_id: bigint; kind: number; amount: bigint }>(entries, [ids]);
  expect(new Set(rows.map(({ entry_id: id }) => id)).size).toBe(rows.length);
  return rows.filter(({ kind }) => kind === 1).map(({ amount }) => -amount);
}

const idsOf = (lines: readonly Line[]): string[] => lines.flatMap(({ response }) => response?.request_id ?? []);

async function listPricesOf(ids: readonly string[]): Promise<(bigint | null)[]> {
  const rows = await house.db.query<{ list_price: bigint | null }>(entries, [ids]);
  return rows.map(({ list_price }) => list_price);
}

/** What is told of the cost of a batch is the sum of its lines in the ledger, over tRPC and on the head of the batch. */
async function expectCost(id: string, lines: readonly Line[]): Promise<void> {
  const [charges, lists] = [await chargesOf(lines), await listPricesOf(idsOf(lines))];
  const billed_usd = formatUsd(charges.reduce((sum, one) => sum + one, 0n));
  const list_price_usd = formatUsd(lists.reduce<bigint>((sum, one) => sum + (one ?? 0n), 0n));
  const cost = { billed_usd, list_price_usd, listed_lines: lines.length };
  const told = await administer(house).batches.get.query({ id });
  expect(told).toMatchObject({
    ...cost,
    status: "ended",
    usage: { quantities: { output_tokens: expect.any(Number) } },
  });
  const { batches } = await administer(house).batches.list.query({ limit: 100 });
  expect(batches.find((one) => one.id === id)).toEqual(told);
  const { headers } = await house.call(`/v1/batches/${id}`, undefined, { "x-throughline-cost": "true" });
  expect([headers.get("x-throughline-billed-usd"), headers.get("x-throughline-list-price-usd")]).toEqual([
    ...[billed_usd, list_price_usd],
  ]);
}

/** How often the vendor was asked for something by a method and a path, with a text in the body. */
const askedFor = (method: string, path: RegExp, text = "") =>
  simulator.requests.filter(
    (request) => request.method === method && path.test(request.path) && request.body.includes(text),
  ).length;
/** A batch is known to the vendor by our ID of it. */
const createdFor = (id: string) => askedFor("POST", /^\/v1\/batches$/, id.replace("batch_", ""));

test.concurrent("a vendor's batch runs the lines: one file, one batch, no request of its own, at half the price, and nothing is left there", async () => {
  const { batch, output } = await run("o/sim-plain", 25);
  expect(batch).toMatchObject({ status: "completed", request_counts: { total: 25, completed: 25, failed: 0 } });
  expect(output.map(({ custom_id }) => custom_id)).toEqual(Array.from({ length: 25 }, (_, i) => `line-${i}`));
  expect(output[0]?.response?.body).toMatchObject({ object: "chat.completion" });
  expect([
    askedFor("POST", /^\/v1\/files$/, "Say o/sim-plain"),
    createdFor(batch.id),
    askedFor("POST", /chat/, "Say o/sim-plain"),
  ]).toEqual([1, 1, 0]);
  const charges = await chargesOf(output);
  expect(charges).toHaveLength(25);
  await expectCost(batch.id, output);

  // The same request at once costs twice as much.
  const body = { model: "o/sim-plain", messages: saying("Say o/sim-plain") };
  const { response } = await openai.chat.completions.create(body).withResponse();
  const id = response.headers.get("x-request-id") ?? "";
  const plain = await eventually(async () => (await house.db.query<{ amount: bigint }>(entries, [[id]]))[0]);
  expect(-plain.amount).toBe((charges[0] ?? 0n) * 2n);
  // By the vendor's list, too, a line costs half of that.
  expect(await listPricesOf([id])).toEqual([-plain.amount]);
  expect(new Set(await listPricesOf(idsOf(output)))).toEqual(new Set([-plain.amount / 2n]));

  // The record of the batch says what it is called there; that of a line that it was answered in it.
  const lifeOf = (request: string) =>
    eventually(async () => {
      const answer = await house.call(`/v1/requests/${request}`);
      return answer.status === 200 ? JSON.stringify(await answer.json()) : undefined;
    });
  expect(await lifeOf(batch.id.replace("batch_", ""))).toContain("batch_sim_");
  expect(await lifeOf(output[0]?.response?.request_id ?? "")).toMatch(/answered in the vendor's batch batch_sim_/);
  const uploaded = simulator.requests.find(
    ({ path, body: bytes }) => path === "/v1/batches" && bytes.includes(batch.id.replace("batch_", "")),
  );
  const fileId = (JSON.parse(uploaded?.body.toString() ?? "{}") as { input_file_id: string }).input_file_id;
  await eventually(async () => (askedFor("DELETE", new RegExp(`^/v1/files/${fileId}$`)) > 0 ? true : undefined));
});

test.concurrent("lines that fail there have the catalogue's errors and are free", async () => {
  const { batch, errors, output } = await run("o/sim-flaky-10", 20);
  expect(batch.request_counts).toEqual({ total: 20, completed: 18, failed: 2 });
  for (const { response } of errors) expect(response?.body).toMatchObject({ error: { code: "upstream_overloaded" } });
  expect(await chargesOf([...output, ...errors])).toHaveLength(18);
});

test.concurrent("what the vendor has counted is shown before its results are read, beyond what is charged so far", async () => {
  const bodies = Array.from({ length: 6 }, () => ({ model: "o/sim-job-run-3000", messages: saying("count") }));
  const { id } = await make(bodies);
  const counted = await eventually(async () => {
    const now = await openai.batches.retrieve(id);
    return (now.request_counts?.completed ?? 0) > 0 ? now : undefined;
  });
  expect(counted).toMatchObject({ status: "in_progress", request_counts: { total: 6, completed: 6, failed: 0 } });
  expect(await administer(house).batches.get.query({ id })).toMatchObject({ billed_usd: "0", lines: { succeeded: 6 } });
  expect((await finished(id)).batch.request_counts).toEqual({ total: 6, completed: 6, failed: 0 });
});

test.concurrent("a line that comes twice counts once, and one that never comes is free and told", async () => {
  const twice = await run("o/sim-batch-twice", 20);
  expect(twice.batch.request_counts).toEqual({ total: 20, completed: 20, failed: 0 });
  expect(await chargesOf(twice.output)).toHaveLength(20);
  const misses = await run("o/sim-batch-misses", 20);
  expect(misses.batch.request_counts).toEqual({ total: 20, completed: 18, failed: 2 });
  for (const { response } of misses.errors) {
    expect(response?.body).toMatchObject({
      error: { code: "upstream_error", message: expect.stringMatching(/without a result/) },
    });
  }
  expect(await chargesOf([...misses.output, ...misses.errors])).toHaveLength(18);
});

test.concurrent("what was run before the vendor's time was over is charged by line, the rest has expired", async () => {
  const { batch, output, errors } = await run("o/sim-batch-expires", 20);
  expect(batch.status).toBe("expired");
  expect(output).toHaveLength(10);
  expect(errors.map(({ error }) => error?.code)).toEqual(Array(10).fill("batch_expired"));
  expect(await chargesOf(output)).toHaveLength(10);
});

test.concurrent("a cancel goes on to the vendor, and what it had run is charged", async () => {
  const made = await make(Array.from({ length: 20 }, () => ({ model: "o/sim-job-stuck", messages: saying("stay") })));
  await eventually(async () => (createdFor(made.id) > 0 ? true : undefined));
  expect((await openai.batches.cancel(made.id)).status).toBe("cancelling");
  const { batch, output } = await finished(made.id);
  expect(batch.status).toBe("cancelled");
  expect(output).toHaveLength(10);
  expect(await chargesOf(output)).toHaveLength(10);
  expect(askedFor("POST", /^\/v1\/batches\/.*\/cancel$/)).toBe(1);
});

test.concurrent("a creation whose answer was lost is found again by our name of it, and is not sent twice", async () => {
  const { batch, output } = await run("o/sim-job-create-lost", 5);
  expect(batch.request_counts).toEqual({ total: 5, completed: 5, failed: 0 });
  expect(createdFor(batch.id)).toBe(1);
  expect(await chargesOf(output)).toHaveLength(5);
});

test.concurrent("a batch that the vendor does not take, or finds fault with, is run line by line at the usual price", async () => {
  for (const model of ["o/sim-job-create-refused", "o/sim-job-fail"]) {
    const { batch } = await run(model, 3);
    expect(batch.request_counts).toEqual({ total: 3, completed: 3, failed: 0 });
    expect(askedFor("POST", /chat/, `Say ${model}`)).toBe(3);
  }
});

test.concurrent("polls that are refused, and a vendor that forgets", async () => {
  const refused = await run("o/sim-job-poll-429", 3);
  expect(refused.batch.request_counts).toEqual({ total: 3, completed: 3, failed: 0 });
  const forgotten = await run("o/sim-job-forgets", 3);
  expect(forgotten.errors.map(({ error }) => error?.code)).toEqual(Array(3).fill("batch_expired"));
});

test.concurrent("lines for several models of a vendor that takes one a batch are run one by one", async () => {
  const made = await make([
    { model: "o/sim-plain", messages: saying("one of two") },
    { model: "o/sim-tokens-3", messages: saying("one of two") },
  ]);
  expect((await finished(made.id)).batch.request_counts?.completed).toBe(2);
  expect([createdFor(made.id), askedFor("POST", /chat/, "one of two")]).toEqual([0, 2]);
});

test.concurrent("OpenAI's lines are answered in Anthropic's batches, at the channel's own ratio", async () => {
  const { batch, output } = await run("a/sim-plain", 4, { max_tokens: 20 });
  expect(batch.request_counts).toEqual({ total: 4, completed: 4, failed: 0 });
  expect(output[0]?.response?.body).toMatchObject({ object: "chat.completion" });
  expect([
    askedFor("POST", /^\/v1\/messages\/batches$/, "Say a/sim-plain"),
    askedFor("POST", /^\/v1\/messages$/, "Say a/sim-plain"),
  ]).toEqual([1, 0]);
  const charges = await chargesOf(output);
  const { response } = await openai.chat.completions
    .create({ model: "a/sim-plain", messages: saying("Say a/sim-plain"), max_tokens: 20 })
    .withResponse();
  const id = response.headers.get("x-request-id") ?? "";
  const plain = await eventually(async () => (await house.db.query<{ amount: bigint }>(entries, [[id]]))[0]);
  expect(-plain.amount).toBe((charges[0] ?? 0n) * 4n);
  // The channel decides what clients pay; the vendor decides the list price of a batch.
  expect(new Set(await listPricesOf(idsOf(output)))).toEqual(new Set([-plain.amount / 2n]));
  await expectCost(batch.id, output);
});

test.concurrent("message batches run at the vendor, several models in one, also where the creation's answer was lost", async () => {
  for (const models of [
    ["a/sim-plain", "a/sim-status-400", "a/sim-tokens-3"],
    ["a/sim-job-create-lost", "a/sim-plain"],
  ]) {
    const made = await anthropic.messages.batches.create({
      requests: models.map((model, i) => ({
        custom_id: `r${i}`,
        params: { model, max_tokens: 16, messages: saying(`first ${models[0]}`) },
      })),
    });
    const batch = await eventually(async () => {
      const now = await anthropic.messages.batches.retrieve(made.id);
      return now.processing_status === "ended" ? now : undefined;
    }, 60_000);
    const bad = models.filter((model) => model.endsWith("400")).length;
    expect(batch.request_counts).toMatchObject({ succeeded: models.length - bad, errored: bad });
    expect(askedFor("POST", /^\/v1\/messages\/batches$/, `first ${models[0]}`)).toBe(1);
    const types: string[] = [];
    for await (const { result } of await anthropic.messages.batches.results(made.id)) types.push(result.type);
    expect(types).toEqual(models.map((model) => (model.endsWith("400") ? "errored" : "succeeded")));
  }
});

test.concurrent("the SDKs of the vendors speak with the simulator's batches", async () => {
  const vendor = new OpenAI({ apiKey: "sk-x", baseURL: `${simulator.url}/v1`, maxRetries: 0 });
  const text = JSON.stringify({
    custom_id: "a",
    method: "POST",
    url: chat,
    body: { model: "sim-plain", messages: saying("Hello") },
  });
  const file = await vendor.files.create({ file: await toFile(Buffer.from(text), "x.jsonl"), purpose: "batch" });
  const made = await vendor.batches.create({ input_file_id: file.id, endpoint: chat, completion_window: "24h" });
  const batch = await eventually(async () => {
    const now = await vendor.batches.retrieve(made.id);
    return now.status === "completed" ? now : undefined;
  });
  expect((await (await vendor.files.content(batch.output_file_id ?? "")).text()).trim().split("\n")).toHaveLength(1);
  expect((await vendor.batches.list()).data.map(({ id }) => id)).toContain(made.id);
  const theirs = new Anthropic({ apiKey: "sk-x", baseURL: simulator.url, maxRetries: 0 });
  const params = { model: "sim-plain", max_tokens: 8, messages: saying("Hello") };
  const { id } = await theirs.messages.batches.create({ requests: [{ custom_id: "a", params }] });
  await eventually(async () =>
    (await theirs.messages.batches.retrieve(id)).processing_status === "ended" ? true : undefined,
  );
  for await (const one of await theirs.messages.batches.results(id)) expect(one.result.type).toBe("succeeded");
  expect((await theirs.messages.batches.delete(id)).type).toBe("message_batch_deleted");
});

test("a price that is changed in the file is in the trail of administration, once, and the chain holds", async () => {
  const loads = async () => (await administer(house).trail.list.query({ procedure: "configuration.load" })).events;
  const [first, ...none] = await eventually(async () => {
    const events = await loads();
    return events.length > 0 ? events : undefined;
  });
  expect([first?.actor, first?.before, none]).toEqual(["file throughline.yaml", null, []]);
  await writeFile(
    join(folder, "throughline.yaml"),
    configOf(simulator.url).replace('output: "2.00"', 'output: "2.50"'),
  );
  const [last] = await eventually(async () => {
    const events = await loads();
    return events.length > 1 ? events : undefined;
  });
  expect(last).toMatchObject({ actor: "file throughline.yaml", actor_key_id: "0", outcome: "done" });
  const priceOf = (usd: string) => ({ unit: "output_tokens", usd, per: 1_000_000 });
  expect(last?.before).toMatchObject({ prices: { "at-a-price": { prices: expect.arrayContaining([priceOf("2")]) } } });
  expect(last?.after).toMatchObject({ prices: { "at-a-price": { prices: expect.arrayContaining([priceOf("2.5")]) } } });
  expect(JSON.stringify(last)).not.toContain(folder);
  expect(await loads()).toHaveLength(2);
});

test("nothing stays reserved, and the books are sound", async () => {
  await expectSoundBooks(house, 30_000);
  await eventually(async () => {
    const [row] = await house.db.query<{ held: bigint }>(reservations, []);
    return row?.held === 0n ? true : undefined;
  }, 20_000);
}, 60_000);
