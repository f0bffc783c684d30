import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { statement } from "../../shared/db/index.ts";
import { toParts, traceIdOf } from "../../shared/request-id.ts";
import { administer, adminKey, openCustomer } from "./administration.ts";
import { type Deployment, eventually, type Mode, startDeployment } from "./deployment.ts";
import { expectConventions } from "./span-conventions.ts";

/*
 * One ID, everywhere: header, error body, in-band error event, record, ledger entry, reservation, every log line, every
 * span, and the header that the upstream received; for every way a request can end, in both modes.
 */

const chat = (model: string, more: object = {}) => ({ model, messages: [{ role: "user", content: "Hello" }], ...more });

const picture = new Blob([Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(500)])]);

/** A form with a picture. */
function form(fields: Readonly<Record<string, string>>): FormData {
  const made = new FormData();
  made.append("image", picture, "picture.png");
  for (const [name, value] of Object.entries(fields)) made.append(name, value);
  return made;
}

/** What one module is asked, and what of its answer is on the record. */
interface Walk {
  readonly module: string;
  readonly path: string;
  readonly good: object;
  readonly invalid: { readonly body: object; readonly code: string; readonly param: string };
  readonly failing: object;
  /** Its records have the answer itself; else a document that says what there was. */
  readonly keepsAnswer: boolean;
  /** That document. Absent: a list. */
  readonly kept?: object;
  /** The answer is no JSON. */
  readonly isBytes?: true;
  /** It costs nothing. */
  readonly isFree?: true;
}

const walks: readonly Walk[] = [
  {
    module: "chat",
    path: "/v1/chat/completions",
    good: chat("gpt-4o"),
    invalid: {
      body: { model: "gpt-4o", messages: [{ role: "user" }] },
      code: "missing_required_field",
      param: "messages[0].content",
    },
    failing: chat("sim-status-500"),
    keepsAnswer: true,
  },
  {
    module: "embeddings",
    path: "/v1/embeddings",
    good: { model: "text-embedding-3-small", input: ["Hello"] },
    invalid: {
      body: { model: "text-embedding-3-small", input: ["Hello", 7] },
      code: "invalid_value",
      param: "input[1]",
    },
    failing: { model: "embeddings/sim-status-500", input: "Hello" },
    keepsAnswer: false,
  },
  {
    module: "rerank",
    path: "/v2/rerank",
    good: { model: "rerank/sim-plain", query: "Hello?", documents: ["Hello", "you"] },
    invalid: {
      body: { model: "rerank/sim-plain", query: "Hello?", documents: ["Hello", { title: "you" }] },
      code: "missing_required_field",
      param: "documents[1].text",
    },
    failing: { model: "rerank/sim-status-500", query: "Hello?", documents: ["Hello"] },
    keepsAnswer: true,
  },
  {
    module: "moderation",
    path: "/v1/moderations",
    good: { input: "Hello" },
    invalid: { body: { input: ["Hello", ""] }, code: "invalid_value", param: "input[1]" },
    failing: { model: "moderation/sim-status-500", input: "Hello" },
    keepsAnswer: true,
    isFree: true,
  },
  {
    module: "image",
    path: "/v1/images/generations",
    good: { model: "image/sim-plain", prompt: "A hat" },
    invalid: { body: { model: "image/sim-plain", prompt: "A hat", n: 11 }, code: "invalid_value", param: "n" },
    failing: { model: "image/sim-status-500", prompt: "A hat" },
    keepsAnswer: false,
    kept: { data: [{ b64_json: expect.stringMatching(/^\[image\/png, \d+ bytes, sha256:/) }] },
  },
  {
    module: "image",
    path: "/v1/images/edits",
    good: form({ model: "image/sim-plain", prompt: "A hat" }),
    invalid: {
      body: form({ model: "image/sim-plain" }),
      code: "missing_required_field",
      param: "prompt",
    },
    failing: form({ model: "image/sim-status-500", prompt: "A hat" }),
    keepsAnswer: false,
    kept: { data: [{ b64_json: expect.stringMatching(/^\[image\/png, \d+ bytes, sha256:/) }] },
  },
  {
    module: "audio",
    path: "/v1/audio/speech",
    good: speechOf("sim-plain"),
    invalid: { body: { ...speechOf("sim-plain"), speed: 9 }, code: "invalid_value", param: "speed" },
    failing: speechOf("sim-status-500"),
    keepsAnswer: false,
    kept: { object: "audio", content_type: "audio/mpeg" },
    isBytes: true,
  },
  {
    module: "audio",
    path: "/v1/audio/transcriptions",
    good: speechIn({ model: "audio/sim-plain" }),
    invalid: {
      body: speechIn({ model: "audio/sim-plain", stream: "maybe" }),
      code: "invalid_value",
      param: "stream",
    },
    failing: speechIn({ model: "audio/sim-status-500" }),
    keepsAnswer: true,
  },
];

/** Streams that break off at the upstream, and streams that a client leaves. */
const streams = [
  {
    path: "/v1/chat/completions",
    breaking: chat("sim-drop-stream", { stream: true }),
    slow: chat("sim-slow-chunks-50", { stream: true }),
  },
  {
    path: "/v1/images/generations",
    breaking: { model: "image/sim-drop-stream", prompt: "A hat", stream: true, partial_images: 3 },
    slow: { model: "image/sim-partials-100+slow-chunks-50", prompt: "A hat", stream: true },
  },
  {
    path: "/v1/audio/transcriptions",
    breaking: speechIn({ model: "audio/sim-drop-stream", stream: "true" }),
    slow: speechIn({ model: "audio/sim-slow-chunks-50", stream: "true" }),
  },
];

/** A request for speech of five characters. */
function speechOf(model: string) {
  return { model: `speech/${model}`, voice: "alloy", input: "Hello" };
}

/** A form with a file of 5 seconds, by the size that the simulator counts. */
function speechIn(fields: Readonly<Record<string, string>>): FormData {
  const given = new FormData();
  given.set("file", new Blob([Buffer.alloc(20_000, "audio of no format. ")]), "speech.mp3");
  for (const [name, value] of Object.entries(fields)) given.set(name, value);
  return given;
}

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
    // What follows an answer is exported in its own time: the tree is looked at when every parent is there.
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
