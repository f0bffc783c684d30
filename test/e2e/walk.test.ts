import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { statement } from "../../shared/db/index.ts";
import { toParts, traceIdOf } from "../../shared/request-id.ts";
import { administer, adminKey, openCustomer } from "./administration.ts";
import { type Deployment, eventually, type Mode, startDeployment } from "./deployment.ts";
import { expectConventions } from "./span-conventions.ts";
import { chat, speechOf, streams, walks } from "./walk-table.ts";

/*
 * One ID, everywhere: header, error body, in-band error event, record, ledger entry, reservation, every log line, every
 * span, and the header that the upstream received; for every way a request can end, in both modes.
 */

interface LedgerRow {
  entry_id: bigint;
  kind: number;
  amount: bigint;
}

const ledgerOf = statement("walk_ledger", "select entry_id, kind, amount from billing.ledger where entry_id = $1");
const termsOf = statement(
  "walk_terms",
  "select count(*)::bigint as n from history.term where position($1::text in value::text) > 0",
);
const openOf = statement("walk_open", "select count(*)::bigint as n from billing.reservation where request_id = $1");

const modes: Mode[] = ["up", "mesh"];

describe.each(modes)("one ID through everything: %s", (mode) => {
  let house: Deployment;
  beforeAll(async () => {
    house = await startDeployment(mode, {
      ...{ PROCESSING_AFTER_MS: "50ms", THROUGHLINE_ADMIN_KEY: adminKey },
      ...{ TRACE_KEEP_RATIO: "0", TRACE_UI_URL: "http://traces.test/{trace_id}" },
    });
  }, 90_000);
  afterAll(() => house?.[Symbol.asyncDispose](), 60_000);

  /** The ID headers of an answer, which must agree; gives the ID. */
  function idOf(response: Response): bigint {
    const id = response.headers.get("x-oneapi-request-id") ?? "";
    expect(id).toMatch(/^\d{18,19}$/);
    expect(response.headers.get("request-id")).toBe(id);
    expect(response.headers.get("x-request-id")).toBe(id);
    expect(response.headers.get("x-trace-id")).toBe(traceIdOf(BigInt(id)));
    expect(Math.abs(toParts(BigInt(id)).unixMs - Date.now())).toBeLessThan(60_000);
    return BigInt(id);
  }

  async function record(id: bigint, status: string) {
    return eventually(async () => {
      const response = await house.call("/bp/ai/ai_request/history/query?page=1&page_size=100");
      expect(response.status).toBe(200);
      const { data } = (await response.json()) as { data: Record<string, unknown>[] };
      return data.find((row) => row.request_id === id.toString() && row.status === status);
    });
  }

  const ledger = (id: bigint) => house.db.query<LedgerRow>(ledgerOf, [id]);

  async function openReservations(id: bigint): Promise<number> {
    const [found] = await house.db.query<{ n: bigint }>(openOf, [id]);
    return Number(found?.n ?? 0n);
  }

  function upstreamSaw(id: bigint) {
    return house.simulator.requests.filter((request) => request.headers["x-request-id"] === id.toString());
  }

  /**
   * Log lines and spans of the request bear its ID, and they belong to the services that had a part in it. Its line, its root
   * span and its count say the same of how it ended as its record does.
   */
  async function traced(id: bigint, services: readonly string[], outcome = "success"): Promise<Set<string>> {
    const traceId = traceIdOf(id);
    await eventually(() => {
      const seen = new Set(
        house.collector
          .spans()
          .filter((span) => span.traceId === traceId)
          .map((span) => span.service),
      );
      return services.every((service) => seen.has(`throughline-${service}`)) ? true : undefined;
    });
    for (const span of house.collector.spans().filter((one) => one.traceId === traceId)) {
      expect(span.attributes["throughline.request_id"], span.name).toBe(id.toString());
    }
    const line = await eventually(() =>
      house.logs.find((one) => one.request_id === id.toString() && one.msg === "request"),
    );
    const code = outcome === "success" ? undefined : outcome;
    const isFault = outcome.startsWith("upstream_");
    expect([line.error_code, line.level]).toEqual([code, isFault ? "warn" : "info"]);
    const root = await eventually(() =>
      house.collector
        .spans()
        .find(
          ({ kind, service, ...span }) =>
            span.traceId === traceId && `${kind} ${service}` === "server throughline-gateway",
        ),
    );
    expect([root.attributes["throughline.error_code"], root.failed !== undefined]).toEqual([code, isFault]);
    // A share of 0 is kept here, and what failed: record and root span say the same, and no link leads nowhere.
    expect(root.attributes["throughline.trace.kept"]).toBe(isFault);
    const life = (await (await house.call(`/v1/requests/${id}`)).json()) as { trace: object };
    const link = isFault ? `http://traces.test/${traceId}` : null;
    expect(life.trace).toEqual({ id: traceId, sampled: isFault, url: link });
    expect(await (await house.call("/metrics")).text()).toMatch(
      new RegExp(`^throughline_requests_total\\{[^}]*status_code="${line.status}",outcome="${outcome}"`, "m"),
    );
    // Spans that follow an answer are exported later: the tree is looked at when every parent is there.
    const spans = await eventually(() => {
      const all = house.collector.spans().filter((span) => span.traceId === traceId);
      const ids = new Set(all.map(({ spanId }) => spanId));
      return all.every(({ parentSpanId }) => parentSpanId === undefined || ids.has(parentSpanId)) ? all : undefined;
    });
    const kinds = expectConventions(spans, id);
    const lines = house.logs.filter((line) => line.trace_id === traceId);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line.request_id).toBe(id.toString());
    return kinds;
  }

  test.each(walks)("a success: $path", async (walk) => {
    const { module, path, good, keepsAnswer, kept, isFree, isBytes } = walk;
    const response = await house.call(path, good, { "x-request-id": "mine-1" });
    expect(response.status).toBe(200);
    const id = idOf(response);
    const text = await response.text();
    const body = isBytes ? {} : (JSON.parse(text) as { id?: string });
    // The ID of an answer, where the dialect has one, is that of the request.
    if (body.id !== undefined) expect(body.id.split("-").at(-1)).toBe(id.toString());
    const [seen] = upstreamSaw(id);
    expect(response.headers.get("x-upstream-request-id")).toBe(seen?.id);
    expect(seen?.headers.traceparent).toContain(traceIdOf(id));

    const row = await record(id, "succeeded");
    expect(row.module).toBe(module);
    if (keepsAnswer) expect(JSON.parse(String(row.response))).toEqual(body);
    else expect(JSON.parse(String(row.response))).toMatchObject(kept ?? { object: "list" });
    const entries = await eventually(async () => {
      const found = await ledger(id);
      return found.length > 0 ? found : undefined;
    });
    expect(entries).toHaveLength(1);
    expect((entries[0]?.amount ?? 0n) < 0n).toBe(isFree !== true);
    expect(await openReservations(id)).toBe(0);
    const kinds = await traced(id, ["gateway", "routing", "billing", "provider-adapter", "history"]);
    // Between services of one process there is no way that a caller's own span could show.
    expect(kinds.size).toBe(mode === "mesh" ? 5 : 4);
  });

  test.each(walks)("an Idempotency-Key: $path", async ({ module, path, good }) => {
    const key = { "idempotency-key": `${mode}-${path}` };
    const first = await house.call(path, good, key);
    const second = await house.call(path, good, key);
    expect(await second.text()).toBe(await first.text());
    const again = idOf(second);
    expect(await record(again, "succeeded")).toMatchObject({ module, throughline: { billing_reason: "replayed" } });
    expect(await ledger(idOf(first))).toHaveLength(1);
    expect(await ledger(again)).toEqual([]);
    expect(upstreamSaw(again)).toEqual([]);
  });

  test.each(walks)("a validation error: $path", async ({ module, path, invalid: { body, code, param } }) => {
    const response = await house.call(path, body);
    expect(response.status).toBe(400);
    const id = idOf(response);
    const { error, request_id } = (await response.json()) as { error: Record<string, unknown>; request_id: string };
    expect(request_id).toBe(id.toString());
    expect(error).toMatchObject({ code, param, request_id: id.toString() });
    const row = await record(id, "failed");
    expect(row).toMatchObject({ module, error: error.message });
    expect(row.error).toContain(param);
    expect(await openReservations(id)).toBe(0);
    expect(await ledger(id)).toEqual([]);
    expect(upstreamSaw(id)).toEqual([]);
    await traced(id, ["gateway"], code);
  });

  test.each(walks)("an upstream error: $path", async ({ module, path, failing }) => {
    const response = await house.call(path, failing);
    expect(response.status).toBe(502);
    const id = idOf(response);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    const [seen] = upstreamSaw(id);
    expect(error).toMatchObject({ code: "upstream_error", request_id: id.toString(), upstream_request_id: seen?.id });
    expect(response.headers.get("x-upstream-request-id")).toBe(seen?.id);
    expect((await record(id, "failed")).module).toBe(module);
    const entries = await eventually(async () => ((await ledger(id)).length > 0 ? ledger(id) : undefined));
    expect(entries.map((entry) => entry.amount)).toEqual([0n]);
    expect(await openReservations(id)).toBe(0);
    await traced(id, ["gateway", "routing", "billing", "provider-adapter", "history"], "upstream_error");
  });

  test.each(streams)("a stream that fails in the middle: $path", async ({ path, breaking }) => {
    const response = await house.call(path, breaking);
    expect(response.status).toBe(200);
    const id = idOf(response);
    const events = (await response.text()).match(/^data: .*$/gm) ?? [];
    const last = JSON.parse(events.at(-1)?.slice(6) ?? "") as { error: Record<string, unknown>; request_id: string };
    expect(last.request_id).toBe(id.toString());
    expect(last.error).toMatchObject({ code: "upstream_error", request_id: id.toString() });
    expect(events.length).toBeGreaterThan(1);
    const row = await record(id, "failed");
    expect(row.throughline).toMatchObject({ error_code: "upstream_error", estimated: true });
    expect(upstreamSaw(id)).toHaveLength(1);
    await traced(id, ["gateway", "billing", "provider-adapter", "history"], "upstream_error");
  });

  test.each(streams)("a client that leaves: $path", async ({ path, slow }) => {
    const leave = new AbortController();
    const response = await house.call(path, slow, {}, leave.signal);
    const id = idOf(response);
    const reader = response.body?.getReader();
    await reader?.read();
    expect(await eventually(async () => (await openReservations(id)) || undefined)).toBe(1);
    await record(id, "processing");
    const closed = house.simulator.nextClose(id.toString());
    leave.abort();
    await closed;
    const row = await record(id, "failed");
    expect(row.throughline).toMatchObject({
      error_code: "client_closed_request",
      billing_reason: "disconnect_delivered",
      estimated: true,
    });
    expect(await openReservations(id)).toBe(0);
    await traced(id, ["gateway", "billing", "provider-adapter", "history"], "client_closed_request");
  });

  test("speech that breaks off is cut for the client, charged in full and told", async () => {
    const response = await house.call("/v1/audio/speech", speechOf("sim-drop-stream+large-300"));
    expect(response.status).toBe(200);
    const id = idOf(response);
    await expect(response.arrayBuffer()).rejects.toThrow();
    const row = await record(id, "failed");
    expect(row).toMatchObject({ module: "audio", throughline: { error_code: "upstream_error" } });
    const entries = await eventually(async () => ((await ledger(id)).length > 0 ? ledger(id) : undefined));
    // Five characters at $15 a million.
    expect(entries.map((entry) => entry.amount)).toEqual([-75_000n]);
    expect(await openReservations(id)).toBe(0);
    await traced(id, ["gateway", "routing", "billing", "provider-adapter", "history"], "upstream_error");
  });

  test("a client that leaves speech pays for all of it", async () => {
    const leave = new AbortController();
    const asked = speechOf("sim-slow-chunks-50+large-300");
    const response = await house.call("/v1/audio/speech", asked, {}, leave.signal);
    const id = idOf(response);
    await response.body?.getReader().read();
    const closed = house.simulator.nextClose(id.toString());
    leave.abort();
    await closed;
    expect((await record(id, "failed")).throughline).toMatchObject({
      error_code: "client_closed_request",
      billing_reason: "disconnect_delivered",
    });
    const entries = await eventually(async () => ((await ledger(id)).length > 0 ? ledger(id) : undefined));
    expect(entries.map((entry) => entry.amount)).toEqual([-75_000n]);
    expect(await openReservations(id)).toBe(0);
    await traced(id, ["gateway", "billing", "provider-adapter", "history"], "client_closed_request");
  });

  test("a model that a client made up: on its record, and not among what is kept for ever", async () => {
    const name = `made-up-${mode}`;
    const response = await house.call("/v1/chat/completions", chat(name));
    expect(response.status).toBe(400);
    const row = await record(idOf(response), "failed");
    expect(row.throughline).toMatchObject({ model: "", error_code: "model_not_supported" });
    const life = await (await house.call(`/v1/requests/${row.request_id}`)).json();
    expect(life).toMatchObject({ model: null, requested_model: name });
    expect(await house.db.query(termsOf, [name])).toEqual([{ n: 0n }]);
    expect(await house.db.query(termsOf, ['"sim-'])).not.toEqual([{ n: 0n }]);
  });

  // An answered request runs no more, though it is settled after its answer.
  test.each([false, true])(
    "a client that asks again as soon as it has its answer needs one slot (stream: %s)",
    async (stream) => {
      const { headers } = await openCustomer(administer(house), { key: { limits: { concurrent_requests: 1 } } });
      const codes: number[] = [];
      for (let n = 0; n < 30; n += 1) {
        const response = await house.call("/v1/chat/completions", chat("gpt-4o", { stream, max_tokens: 5 }), headers);
        await response.text();
        codes.push(response.status);
      }
      expect(codes).toEqual(Array(30).fill(200));
    },
  );
});
