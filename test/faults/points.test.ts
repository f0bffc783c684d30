import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { statement } from "../../shared/db/index.ts";
import { eventually } from "../e2e/deployment.ts";
import { type Role, type Roles, startRoles } from "./roles.ts";

/*
 * kill -9 at each point between the last byte of an answer and its settlement and record. Gates between the processes
 * hold a message, so that a process is at that point when it is killed; nothing in the product knows of it.
 */

const endings = statement(
  "points_endings",
  "select kind, amount, reason, output_tokens from billing.ledger where entry_id = $1",
);
const records = statement(
  "points_records",
  `select status, billed_nano_usd, output_tokens from history.record where request_id = $1`,
);
const held = statement("points_held", "select 1 as held from billing.reservation where request_id = $1");

interface Ended {
  readonly kind: number;
  readonly amount: bigint;
  readonly reason: string;
  readonly output_tokens: bigint | null;
}

let roles: Roles;
beforeAll(async () => {
  roles = await startRoles({ PROCESSING_AFTER_MS: "20ms" });
}, 120_000);
afterAll(() => roles?.[Symbol.asyncDispose](), 60_000);

const chat = (stream: boolean, model: string) => ({
  model,
  stream,
  ...(stream ? { stream_options: { include_usage: true } } : {}),
  messages: [{ role: "user", content: "Hello" }],
});

/** One request whose answer is known to be running when `onRunning` is called, and read to its end. */
async function ask(stream: boolean, onRunning: () => void) {
  // The first one opens the lanes: what is sent on a lane that is not open yet waits for it.
  const first = await roles.call("/v1/chat/completions", chat(false, "gpt-4o-mini"));
  await eventually(() => recordOf(BigInt(first.headers.get("request-id") ?? 0)));
  const seen = roles.simulator.requests.length;
  const asked = roles.call("/v1/chat/completions", chat(stream, "sim-slow-first-token-300"));
  let early: Response | undefined;
  void asked.then((response) => {
    early = response;
  });
  await eventually(async () => {
    if (early !== undefined)
      throw new Error(`answered before its upstream was asked: ${early.status} ${await early.clone().text()}`);
    return roles.simulator.requests.length > seen ? true : undefined;
  });
  onRunning();
  const response = await asked;
  const id = BigInt(response.headers.get("request-id") ?? 0);
  const text = await response.text();
  expect([response.status, stream ? text.endsWith("data: [DONE]\n\n") : JSON.parse(text).object]).toEqual([
    200,
    stream ? true : "chat.completion",
  ]);
  const tokens = BigInt(/"completion_tokens": ?(\d+)/.exec(text)?.[1] ?? -1);
  return { id, tokens };
}

const ledgerOf = (id: bigint) => roles.db.query<Ended>(endings, [id]);
const recordOf = async (id: bigint) =>
  (await roles.db.query<{ status: number; billed_nano_usd: bigint; output_tokens: bigint }>(records, [id]))[0];

/** The answer was charged once, for what the client was told, and its record says so. */
async function expectCharged(id: bigint, tokens: bigint): Promise<void> {
  const record = await eventually(() => recordOf(id), 20_000);
  const entries = await ledgerOf(id);
  expect(entries).toEqual([{ kind: 1, amount: expect.any(BigInt), reason: "usage", output_tokens: tokens }]);
  expect(entries[0]?.amount).toBeLessThan(0n);
  expect(record).toEqual({ status: 4, billed_nano_usd: -(entries[0]?.amount ?? 0n), output_tokens: tokens });
  expect(await roles.db.query(held, [id])).toEqual([]);
}

const settled = (id: bigint) => eventually(async () => ((await ledgerOf(id)).length > 0 ? true : undefined));

/** A point: what is held while the answer comes to its end, what must have happened by then, and who dies. */
interface Point {
  readonly hold: () => void;
  readonly reached?: (id: bigint) => Promise<unknown>;
  readonly dies: readonly Role[];
  /** Opens what was held, where the one that waits is alive. */
  readonly after?: () => void;
  readonly env?: Readonly<Record<string, string>>;
}

const points: Readonly<Record<string, Point>> = {
  "the gateway, before its settlement was sent": {
    hold: () => roles.gate("gateway", "billing").holdRequests(),
    dies: ["gateway"],
  },
  "the gateway, before it learnt that the settlement is durable": {
    hold: () => roles.gate("gateway", "billing").holdAnswers(),
    reached: settled,
    dies: ["gateway"],
  },
  "the gateway, after the settlement and before the record was sent": {
    hold: () => roles.gate("gateway", "history").holdRequests(),
    reached: settled,
    dies: ["gateway"],
  },
  "the provider, after the last byte and before the settlement": {
    hold: () => roles.gate("gateway", "billing").holdRequests(),
    dies: ["provider"],
    after: () => roles.gate("gateway", "billing").open(),
  },
  "billing, before the charge is durable": {
    hold: () => roles.gate("billing", "database").holdRequests(),
    dies: ["billing"],
  },
  "billing, after the charge is durable and before it said so": {
    hold: () => roles.gate("gateway", "billing").holdAnswers(),
    reached: settled,
    dies: ["billing"],
    after: () => roles.gate("gateway", "billing").drop(),
  },
  "history, before the record is durable": {
    hold: () => roles.gate("history", "database").holdRequests(),
    reached: settled,
    dies: ["history"],
  },
  "gateway and billing, before the charge is durable": {
    hold: () => roles.gate("billing", "database").holdRequests(),
    dies: ["gateway", "billing"],
  },
};

beforeEach(() => roles.openAll());

/** Whether it is a stream makes a difference only to those through which it passes. */
const cases = Object.entries(points).flatMap(([name, { dies }]) =>
  (dies.includes("gateway") || dies.includes("provider") ? [false, true] : [false]).map(
    (stream) => [name, stream] as const,
  ),
);

test.each(cases)(
  "an answer is charged and recorded once when there dies: %s (stream: %s)",
  async (name, stream) => {
    const point = points[name];
    if (point === undefined) throw new Error(name);
    const { id, tokens } = await ask(stream, point.hold);
    await point.reached?.(id);
    await roles.kill(...point.dies);
    // A message that waited at a gate is lost with the process that had sent it.
    for (const to of ["billing", "history"] as const)
      if (point.dies.includes("gateway")) roles.gate("gateway", to).drop();
    for (const from of ["billing", "history"] as const)
      if (point.dies.includes(from)) roles.gate(from, "database").drop();
    point.after?.();
    await roles.start(point.dies);
    await expectCharged(id, tokens);
  },
  60_000,
);

test("where the end waits for the settlement, an answer is charged even when all die together", async () => {
  await roles.kill("gateway");
  await roles.start(["gateway"], { SETTLE_BEFORE_END: "true" });
  const { id, tokens } = await ask(true, () => roles.gate("gateway", "history").holdRequests());
  await roles.kill("gateway", "provider", "billing", "history");
  roles.openAll();
  roles.gate("gateway", "history").drop();
  await roles.start(["gateway", "provider", "billing", "history"]);
  const entries = await ledgerOf(id);
  expect(entries).toEqual([{ kind: 1, amount: expect.any(BigInt), reason: "usage", output_tokens: tokens }]);
}, 60_000);

test("a gateway that dies in the middle of a stream leaves what was passed on charged, and the record says no more", async () => {
  const response = await roles.call("/v1/chat/completions", chat(true, "sim-slow-chunks-50"));
  const id = BigInt(response.headers.get("request-id") ?? 0);
  const reader = response.body?.getReader();
  let text = "";
  while (!text.includes('"content":"')) text += Buffer.from((await reader?.read())?.value ?? []).toString();
  await roles.kill("gateway");
  await reader?.cancel().catch(() => undefined);
  await roles.start(["gateway"]);
  const record = await eventually(
    () => recordOf(id).then((found) => (found?.status === 5 ? found : undefined)),
    20_000,
  );
  const entries = await ledgerOf(id);
  expect(entries).toMatchObject([{ kind: 1, reason: "disconnect_delivered" }]);
  expect(record.billed_nano_usd).toBe(-(entries[0]?.amount ?? 0n));
}, 60_000);

test("history away: requests succeed, the gateway stays ready and says so, and the records arrive when it is back", async () => {
  await roles.kill("history");
  const ids: bigint[] = [];
  for (let n = 0; n < 5; n += 1) {
    const response = await roles.call("/v1/chat/completions", chat(n % 2 === 0, "gpt-4o-mini"));
    ids.push(BigInt(response.headers.get("request-id") ?? 0));
    await response.text();
    expect(response.status).toBe(200);
  }
  await eventually(async () => {
    const ready = await fetch(`${roles.url}/readyz`);
    expect(ready.status).toBe(200);
    return ((await ready.json()) as { away: string[] }).away.includes("history") ? true : undefined;
  });
  await roles.start(["history"]);
  for (const id of ids) expect(await eventually(() => recordOf(id), 20_000)).toMatchObject({ status: 4 });
}, 60_000);
