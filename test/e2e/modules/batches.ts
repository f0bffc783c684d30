import Anthropic from "@anthropic-ai/sdk";
import OpenAI, { toFile } from "openai";
import { beforeAll, expect, test } from "vitest";
import { statement } from "../../../shared/db/index.ts";
import { hasPython, python } from "../../conformance/python.ts";
import { administer, expectSoundBooks, openCustomer } from "../administration.ts";
import { eventually } from "../deployment.ts";
import type { ModulesHouse } from "./house.ts";

/* Batches, as the official SDKs make, follow, cancel and read them. */

const chat = "/v1/chat/completions";
const entries = statement(
  "batches_ledger",
  "select entry_id, kind, amount from billing.ledger where entry_id = any ($1::bigint[])",
);
const hello = [{ role: "user", content: "Hello" }];

interface Line {
  readonly id: string;
  readonly custom_id: string;
  readonly response: {
    readonly status_code: number;
    readonly request_id: string;
    readonly body: Record<string, unknown>;
  } | null;
  readonly error: { readonly code: string } | null;
}

const batchesInPython = `
import io, json, sys, time
from openai import OpenAI
client = OpenAI(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0)
lines = [json.dumps({"custom_id": f"p{i}", "method": "POST", "url": "/v1/embeddings",
    "body": {"model": "embeddings/sim-plain", "input": f"text {i}"}}) for i in range(3)]
file = client.files.create(file=("in.jsonl", "\\n".join(lines).encode()), purpose="batch")
batch = client.batches.create(input_file_id=file.id, endpoint="/v1/embeddings", completion_window="24h", metadata={"by": "python"})
while batch.status not in ("completed", "failed", "expired", "cancelled"):
    time.sleep(0.1)
    batch = client.batches.retrieve(batch.id)
assert batch.status == "completed" and batch.request_counts.completed == 3 and batch.metadata["by"] == "python", batch
out = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]
assert [line["custom_id"] for line in out] == ["p0", "p1", "p2"], out
assert all(line["response"]["body"]["data"][0]["embedding"] for line in out), out
assert batch.id in [one.id for one in client.batches.list(limit=1)]
`;

const messagesInPython = `
import sys, time
from anthropic import Anthropic
client = Anthropic(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0)
batch = client.messages.batches.create(requests=[{"custom_id": f"p{i}", "params": {"model": "sim-plain", "max_tokens": 50,
    "messages": [{"role": "user", "content": "Hello"}]}} for i in range(2)])
while batch.processing_status != "ended":
    time.sleep(0.1)
    batch = client.messages.batches.retrieve(batch.id)
results = list(client.messages.batches.results(batch.id))
assert [one.custom_id for one in results] == ["p0", "p1"] and all(one.result.type == "succeeded" for one in results), results
assert client.messages.batches.delete(batch.id).type == "message_batch_deleted"
`;

/** The tests of a deployment. */
export function testBatches(houseOf: () => ModulesHouse): void {
  let house: ModulesHouse;
  let openai: OpenAI;
  let anthropic: Anthropic;
  beforeAll(async () => {
    house = houseOf();
    // Nobody listens there: what is to be sent is seen by its deliveries.
    await administer(house).webhooks.create.mutate({ url: "http://127.0.0.1:9/", events: ["batch.*"] });
    openai = new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1`, maxRetries: 0 });
    anthropic = new Anthropic({ apiKey: house.key, baseURL: house.url, maxRetries: 0 });
  });

  async function upload(text: string, purpose: "batch" | "evals" = "batch"): Promise<string> {
    return (await openai.files.create({ file: await toFile(Buffer.from(text), "in.jsonl"), purpose })).id;
  }

  /** Makes a batch of bodies for one path. */
  async function make(bodies: readonly object[], endpoint: typeof chat | "/v1/embeddings" | "/v1/moderations" = chat) {
    const lines = bodies.map((body, i) =>
      JSON.stringify({ custom_id: `line-${i}`, method: "POST", url: endpoint, body }),
    );
    return openai.batches.create({
      input_file_id: await upload(`${lines.join("\n")}\n`),
      endpoint,
      completion_window: "24h",
      metadata: { made: "by a test" },
    });
  }

  async function ended(id: string) {
    return eventually(async () => {
      const batch = await openai.batches.retrieve(id);
      return ["completed", "cancelled", "expired"].includes(batch.status) ? batch : undefined;
    }, 40_000);
  }

  async function linesOf(fileId: string | undefined): Promise<Line[]> {
    const text = await (await openai.files.content(fileId ?? "")).text();
    expect(text.endsWith("\n")).toBe(true);
    return text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
  }

  async function entriesOf(ids: readonly string[]) {
    const rows = await house.db.query<{ entry_id: bigint; kind: number; amount: bigint }>(entries, [ids]);
    return new Map(rows.map(({ entry_id: id, kind, amount }) => [id.toString(), { kind, amount }]));
  }

  test("runs its lines, charges each once at the batch's price, and tells of those that fail", async () => {
    const bodies = [
      { model: "gpt-4o", messages: hello, seed: 7 },
      { model: "gpt-4o" },
      { model: "sim-status-400", messages: hello },
      { model: "gpt-4o", messages: hello, stream: true },
      { model: "no-such-model", messages: hello },
      { model: "gpt-4o", messages: hello, n: 2 },
    ];
    const made = await make(bodies);
    expect(made).toMatchObject({
      object: "batch",
      status: "in_progress",
      endpoint: chat,
      completion_window: "24h",
      metadata: { made: "by a test" },
      request_counts: { total: 6, completed: 0, failed: 0 },
    });
    expect((made.expires_at ?? 0) - (made.in_progress_at ?? 0)).toBe(86_400);
    const batch = await ended(made.id);
    expect(batch).toMatchObject({ status: "completed", request_counts: { total: 6, completed: 2, failed: 4 } });

    const output = await linesOf(batch.output_file_id);
    expect(output.map(({ custom_id, response, error }) => [custom_id, response?.status_code, error])).toEqual([
      ["line-0", 200, null],
      ["line-5", 200, null],
    ]);
    const [first, second] = output;
    expect(first?.response?.body).toMatchObject({
      object: "chat.completion",
      id: `chatcmpl-${first?.response?.request_id}`,
    });
    expect(second?.response?.body.choices).toHaveLength(2);
    const failed = await linesOf(batch.error_file_id);
    expect(failed.map(({ custom_id, response }) => [custom_id, response?.status_code, response?.body.error])).toEqual(
      [
        ["line-1", 400, expect.objectContaining({ code: "missing_required_field", param: "messages" })],
        ["line-2", 400, expect.objectContaining({ code: "invalid_value" })],
        ["line-3", 400, expect.objectContaining({ code: "invalid_value", param: "stream" })],
        ["line-4", 404, expect.objectContaining({ code: "model_not_supported" })],
      ].map((line) => expect.arrayContaining([line[0], line[2]])),
    );
    expect((await openai.files.retrieve(batch.output_file_id ?? "")).purpose).toBe("batch_output");

    // One ID runs through each line: answer, ledger, record.
    const ids = [...output, ...failed].map(({ response }) => response?.request_id ?? "");
    const charged = await entriesOf(ids);
    for (const { response } of output) expect(charged.get(response?.request_id ?? "")?.kind).toBe(1);
    expect(charged.get(failed[1]?.response?.request_id ?? "")).toEqual({ kind: 2, amount: 0n });
    for (const id of ids) {
      const life = (await eventually(async () => {
        const response = await house.call(`/v1/requests/${id}`);
        return response.status === 200 ? response.json() : undefined;
      })) as { status: string };
      expect(["succeeded", "failed"]).toContain(life.status);
    }

    // The same request at once costs twice as much.
    const { response } = await openai.chat.completions.create(bodies[0] as never).withResponse();
    const plainId = response.headers.get("x-request-id") ?? "";
    const plain = await eventually(async () => (await entriesOf([plainId])).get(plainId));
    expect(plain.amount).toBe((charged.get(first?.response?.request_id ?? "")?.amount ?? 0n) * 2n);
    const { usage } = batch;
    expect(usage?.total_tokens).toBe((usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0));
    expect(usage?.output_tokens).toBeGreaterThan(0);
  });

  test("of embeddings and of moderations have their own answers", async () => {
    const [embedded, moderated] = await Promise.all([
      make([{ model: "embeddings/sim-plain", input: "a text" }], "/v1/embeddings"),
      make([{ model: "moderation/sim-plain", input: "a text" }], "/v1/moderations"),
    ]);
    const [vector] = await linesOf((await ended(embedded.id)).output_file_id);
    expect(vector?.response?.body.data).toHaveLength(1);
    const [judged] = await linesOf((await ended(moderated.id)).output_file_id);
    expect(judged?.response?.body.results).toHaveLength(1);
  });

  test("that is cancelled begins no more lines and breaks off the calls of those that run, which are free", async () => {
    const model = "sim-hang-headers";
    const made = await make(Array.from({ length: 60 }, () => ({ model, messages: hello })));
    const open = () => house.simulator.requests.filter(({ body }) => body.includes(model));
    await eventually(async () => (open().length > 0 ? true : undefined));
    expect(await openai.batches.cancel(made.id)).toMatchObject({ status: "cancelling" });
    const batch = await ended(made.id);
    expect(batch.status).toBe("cancelled");
    expect(batch.cancelled_at).toBeGreaterThan(0);
    expect(batch.request_counts).toMatchObject({ completed: 0, failed: 0 });
    // The upstream has seen that nobody waits any more.
    await eventually(async () => (open().every(({ clientClosedAtMs }) => clientClosedAtMs > 0) ? true : undefined));
    // A second cancel changes nothing.
    expect((await openai.batches.cancel(made.id)).status).toBe("cancelled");
  });

  const line = (more: object) =>
    JSON.stringify({ custom_id: "a", method: "POST", url: chat, body: { model: "m", messages: hello }, ...more });
  test.each([
    ["", "no line"],
    ["\n \n", "no line"],
    [`${line({})}\nnot json`, "Line 2"],
    [`${line({})}\n[]`, "Line 2"],
    [line({ custom_id: undefined }), "Line 1"],
    [line({ custom_id: 7 }), "Line 1"],
    [`${line({})}\n\n${line({})}`, "Line 3 has the custom_id of line 1"],
    [line({ url: "/v1/embeddings" }), "Line 1"],
    [line({ method: "GET" }), "Line 1"],
    [line({ body: undefined }), "Line 1"],
    [line({ body: "{}" }), "Line 1"],
  ])("of the file %j is refused with the number of the line", async (text, said) => {
    // A file without a byte is no file.
    const id = await upload(text === "" ? "\n" : text);
    const before = (await openai.batches.list({ limit: 1 })).data[0]?.id;
    await expect(
      openai.batches.create({ input_file_id: id, endpoint: chat, completion_window: "24h" }),
    ).rejects.toMatchObject({
      status: 400,
      param: "input_file_id",
      message: expect.stringContaining(said),
    });
    expect((await openai.batches.list({ limit: 1 })).data[0]?.id).toBe(before);
  });

  test("of a file that is another's, for something else, or not there, is refused", async () => {
    const stranger = await openCustomer(administer(house));
    const theirs = new OpenAI({ apiKey: stranger.secret, baseURL: `${house.url}/v1`, maxRetries: 0 });
    const mine = await upload(line({}));
    const wrong = { endpoint: chat, completion_window: "24h" } as const;
    await expect(theirs.batches.create({ ...wrong, input_file_id: mine })).rejects.toMatchObject({ status: 400 });
    const evals = await upload(line({}), "evals");
    await expect(openai.batches.create({ ...wrong, input_file_id: evals })).rejects.toMatchObject({ status: 400 });
    await expect(openai.batches.create({ ...wrong, input_file_id: "file-1" })).rejects.toMatchObject({ status: 400 });
    const made = await make([{ model: "gpt-4o", messages: hello }]);
    for (const id of [made.id, made.id.replace("batch_", "")]) {
      expect((await house.call(`/v1/batches/${id}`)).status).toBe(200);
      expect((await house.call(`/v1/batches/${id}`, undefined, stranger.headers)).status).toBe(404);
      expect((await house.call(`/v1/messages/batches/${id}`)).status).toBe(404);
    }
    await ended(made.id);
  });

  test("that the account cannot pay for is refused as a whole", async () => {
    const poor = await openCustomer(administer(house), { creditUsd: "0.000001" });
    const theirs = new OpenAI({ apiKey: poor.secret, baseURL: `${house.url}/v1`, maxRetries: 0 });
    const body = { model: "gpt-4o", messages: hello };
    const text = JSON.stringify({ custom_id: "a", method: "POST", url: chat, body });
    const file = await theirs.files.create({ file: await toFile(Buffer.from(text), "in.jsonl"), purpose: "batch" });
    const wanted = { input_file_id: file.id, endpoint: chat, completion_window: "24h" } as const;
    await expect(theirs.batches.create(wanted)).rejects.toMatchObject({ status: 402, code: "insufficient_quota" });
    expect((await theirs.batches.list()).data).toEqual([]);
  });

  test("a repeat with the same Idempotency-Key gives the first one's batch", async () => {
    const id = await upload(line({ body: { model: "gpt-4o", messages: hello } }));
    const wanted = { input_file_id: id, endpoint: chat, completion_window: "24h" } as const;
    const headers = { "Idempotency-Key": "batch-of-lines" };
    const first = await openai.batches.create(wanted, { headers });
    expect((await openai.batches.create(wanted, { headers })).id).toBe(first.id);
    await ended(first.id);
  });

  test("of messages are made, followed, read and deleted with Anthropic's SDK", async () => {
    const params = { model: "sim-plain", max_tokens: 64, messages: [{ role: "user" as const, content: "Hello" }] };
    const made = await anthropic.messages.batches.create({
      requests: [
        { custom_id: "good", params },
        { custom_id: "wrong", params: { ...params, max_tokens: -1 } },
        { custom_id: "bad", params: { ...params, model: "sim-status-400" } },
      ],
    });
    expect(made).toMatchObject({ type: "message_batch", processing_status: "in_progress", results_url: null });
    await expect(anthropic.messages.batches.delete(made.id)).rejects.toMatchObject({ status: 400 });
    const batch = await eventually(async () => {
      const now = await anthropic.messages.batches.retrieve(made.id);
      return now.processing_status === "ended" ? now : undefined;
    }, 40_000);
    expect(batch.request_counts).toEqual({ processing: 0, succeeded: 1, errored: 2, canceled: 0, expired: 0 });
    const results: { custom_id: string; result: { type: string } }[] = [];
    for await (const result of await anthropic.messages.batches.results(made.id)) results.push(result);
    expect(results.map(({ custom_id, result }) => [custom_id, result.type])).toEqual([
      ["good", "succeeded"],
      ["wrong", "errored"],
      ["bad", "errored"],
    ]);
    expect(results[0]).toMatchObject({ result: { message: { type: "message", role: "assistant" } } });
    expect(results[1]).toMatchObject({
      result: {
        error: {
          type: "error",
          error: { type: "invalid_request_error", message: expect.stringContaining("max_tokens") },
        },
      },
    });
    const listed = await anthropic.messages.batches.list({ limit: 1 });
    expect(listed.data.map(({ id }) => id)).toEqual([made.id]);
    expect(await anthropic.messages.batches.delete(made.id)).toEqual({ id: made.id, type: "message_batch_deleted" });
    await expect(anthropic.messages.batches.retrieve(made.id)).rejects.toMatchObject({ status: 404 });
    const twice = { custom_id: "same", params };
    await expect(anthropic.messages.batches.create({ requests: [twice, twice] })).rejects.toMatchObject({
      status: 400,
    });
  });

  test("of messages may be larger than a request, is read request by request, and is refused by the place of what is wrong", async () => {
    const headers = { "anthropic-version": "2023-06-01" };
    const params = {
      model: "no-such-model",
      max_tokens: 8,
      messages: [{ role: "user", content: "x".repeat(1_500_000) }],
    };
    const requests = Array.from({ length: 12 }, (_, i) => ({
      custom_id: `r${i}`,
      params: i === 11 ? { ...params, model: "sim-plain" } : params,
    }));
    const made = await house.call("/v1/messages/batches", { requests }, headers);
    expect(made.status).toBe(200);
    const { id } = (await made.json()) as { id: string };
    const batch = await eventually(async () => {
      const now = await anthropic.messages.batches.retrieve(id);
      return now.processing_status === "ended" ? now : undefined;
    }, 40_000);
    expect(batch.request_counts).toMatchObject({ succeeded: 1, errored: 11 });
    const refused = async (body: unknown) => {
      const response = await house.call("/v1/messages/batches", body, headers);
      const { error } = (await response.json()) as { error: { message: string } };
      return [response.status, error.message];
    };
    const small = { ...params, messages: [{ role: "user", content: "x" }] };
    const good = { custom_id: "a", params: small };
    expect(await refused({ requests: [good, { params: small }] })).toEqual([400, "requests[1].custom_id is required."]);
    expect(await refused({ requests: [good, good] })).toEqual([400, "requests[1].custom_id was given before."]);
    expect(await refused({ requests: [] })).toEqual([400, expect.stringContaining("requests")]);
    expect(await refused({})).toEqual([400, "requests is required."]);
    expect(await refused("[]")).toEqual([400, "The request body is not valid JSON."]);
    expect(await refused('{"requests":[{"custom_id":"a"')).toEqual([400, "The request body is not valid JSON."]);
    const huge = { custom_id: "b", params: { ...params, system: "x".repeat(17_000_000) } };
    expect(await refused({ requests: [good, huge] })).toEqual([413, "requests[1] is longer than 16 MB."]);
  });

  test("by the SDKs for Python", async ({ skip }) => {
    if (!(await hasPython("openai", "anthropic"))) skip();
    await python(batchesInPython, `${house.url}/v1`, house.key);
    await python(messagesInPython, house.url, house.key);
  });

  test("are told of to webhooks by their status", async () => {
    const { deliveries } = await administer(house).webhooks.deliveries.query({ limit: 100 });
    const told = new Map(deliveries.map(({ type, request_id }) => [type, request_id]));
    expect([...told.keys()].sort()).toEqual(["batch.cancelled", "batch.completed"]);
    for (const [type, id] of told) expect(type).toBe(`batch.${(await openai.batches.retrieve(`batch_${id}`)).status}`);
  });

  test("the books are sound", () => expectSoundBooks(house, 30_000), 60_000);
}
