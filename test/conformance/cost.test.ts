import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { costFields } from "../../gateway/answers/costs.ts";
import { statement } from "../../shared/db/index.ts";
import { endpointsOf, moduleNames } from "../../shared/modules.ts";
import { parseUsd } from "../../shared/money/usd.ts";
import { administer, adminKey } from "../e2e/administration.ts";
import { type Deployment, eventually, startDeployment } from "../e2e/deployment.ts";
import { hasPython, python } from "./python.ts";

/* A client that asks for the cost is told the charge of the ledger, to the nano-dollar, and the official SDKs read on. */

const tag = "of:cost";
const asking = { "x-throughline-cost": "true", "x-throughline-tags": tag };
const billedField = "x-throughline-billed-usd";
const reasonField = "x-throughline-billing-reason";
// The usual models cost nothing at the simulator; these have a price.
const model = "sim-plain";
const messages = [{ role: "user" as const, content: "Hello" }];

let house: Deployment;
beforeAll(async () => {
  house = await startDeployment("up", {
    ...{ LOG_LEVEL: "warn", OPENAI_API_KEY: "", THROUGHLINE_ADMIN_KEY: adminKey },
    ...{ JOBS_FIRST_POLL: "50ms", JOBS_MAX_POLL: "100ms" },
  });
}, 60_000);
afterAll(() => house?.[Symbol.asyncDispose](), 60_000);

const chargeOf = statement("cost_charge", "select -amount as charged, reason from billing.ledger where entry_id = $1");

/** What was told is what the ledger says. It stands there by the time that the client has the end of its answer. */
async function expectCharge(requestId: string | null | undefined, billedUsd: string | null | undefined): Promise<void> {
  const rows = await house.db.query<{ charged: bigint }>(chargeOf, [BigInt(requestId ?? 0)]);
  expect(rows.map(({ charged }) => charged)).toEqual([parseUsd(billedUsd ?? "none")]);
}

interface Bill {
  readonly lines: readonly {
    readonly amount: number;
    readonly price_usd: string;
    readonly per: number;
    readonly cost_usd: string;
  }[];
  readonly sum_usd: string;
  readonly billed_usd: string;
  readonly group_ratio: number;
}

/** In 10^-18 of a dollar. */
function exactly(usd: string): bigint {
  const [dollars = "", fraction = ""] = usd.split(".");
  return BigInt(dollars) * 10n ** 18n + BigInt(fraction.padEnd(18, "0"));
}

/** The life of the request says why it cost that: its lines are amount times price, and their sum is the charge. */
async function expectBill(requestId: string, billedUsd: string): Promise<void> {
  const billing = await eventually(async () => {
    const response = await house.call(`/v1/requests/${requestId}`);
    const life = (await response.json()) as { status?: string; billing: Bill };
    return life.status === "succeeded" ? life.billing : undefined;
  });
  expect([billing.billed_usd, billing.group_ratio]).toEqual([billedUsd, 1]);
  for (const { amount, price_usd, per, cost_usd } of billing.lines) {
    expect(exactly(cost_usd) * BigInt(per)).toBe(BigInt(amount) * exactly(price_usd));
  }
  const sum = billing.lines.reduce((total, { cost_usd }) => total + exactly(cost_usd), 0n);
  expect(exactly(billing.sum_usd)).toBe(sum);
  expect((sum + 10n ** 9n - 1n) / 10n ** 9n).toBe(parseUsd(billedUsd));
}

interface Got {
  readonly response: IncomingMessage;
  readonly text: string;
}

/** As `fetch`, with the trailers. */
async function post(path: string, body: object, headers: object = asking): Promise<Got> {
  const sent = body instanceof FormData ? new Response(body) : Response.json(body);
  const asked = httpRequest(`${house.url}${path}`, {
    method: "POST",
    headers: {
      ...{ authorization: `Bearer ${house.key}`, "content-type": sent.headers.get("content-type") ?? "" },
      ...headers,
    },
  });
  asked.end(Buffer.from(await sent.arrayBuffer()));
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return { response, text: Buffer.concat(parts).toString("latin1") };
}

const idOf = ({ response }: Got) => response.headers["request-id"] as string;

function form(fields: Readonly<Record<string, string | Blob>>): FormData {
  const made = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "string") made.append(name, value);
    else made.append(name, value, name === "file" ? "speech.mp3" : "picture.png");
  }
  return made;
}

const sound = new Blob([Buffer.alloc(40_000, "audio of no format. ")]);
const picture = new Blob([Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(300)])]);
const contents = [{ parts: [{ text: "Hello" }] }];
const embedding = "embeddings/sim-plain";
const content = { parts: [{ text: "Hello" }] };
const rerank = { model: "rerank/sim-plain", query: "Hello", documents: ["Hello"] };

/** What each endpoint that costs money is asked; in each path the model has its place. */
const asked: Readonly<Record<string, readonly [body: object, model?: string]>> = {
  "/v1/chat/completions": [{ model, messages }],
  "/v1/completions": [{ model, prompt: "Hello" }],
  "/v1/messages": [{ model, max_tokens: 20, messages }],
  "/v1/responses": [{ model, input: "Hello" }],
  "/v1beta/models/{model}:generateContent": [{ contents }, model],
  "/v1beta/models/{model}:streamGenerateContent": [{ contents }, model],
  "/v1beta/models/{model}:embedContent": [{ content }, embedding],
  "/v1beta/models/{model}:batchEmbedContents": [{ requests: [{ model: `models/${embedding}`, content }] }, embedding],
  "/v1/embeddings": [{ model: embedding, input: "Hello" }],
  "/v2/rerank": [rerank],
  "/v1/rerank": [rerank],
  "/rerank": [rerank],
  "/v1/moderations": [{ input: "Hello" }],
  "/v1/images/generations": [{ model: "image/sim-plain", prompt: "A hat" }],
  "/v1/images/edits": [form({ model: "image/sim-plain", prompt: "A hat", image: picture })],
  "/v1/audio/speech": [{ model: "speech/sim-plain", voice: "alloy", input: "Hello" }],
  "/v1/audio/transcriptions": [form({ model: "audio/sim-plain", file: sound })],
  "/v1/audio/translations": [form({ model: "audio/sim-plain", file: sound, response_format: "verbose_json" })],
  "/v1/videos": [{ model: "video/sim-plain", prompt: "A hat", seconds: "4" }],
  "/v1/video/generations": [{ model: "video/sim-plain", prompt: "A hat", duration: 4 }],
};

/** What an answer says of its cost: in its head, behind its end, or, of work that outlives its request, in its job. */
async function toldOf(got: Got): Promise<{ billed: string | undefined; reason: string | undefined }> {
  const said = { ...got.response.headers, ...got.response.trailers };
  const [billed, reason] = [said[billedField], said[reasonField]];
  if (billed !== undefined || !/video/.test(got.text)) return { billed: String(billed), reason: String(reason) };
  return eventually(async () => {
    const { headers } = await house.call(`/v1/jobs/${idOf(got)}`, undefined, asking);
    const settled = headers.get(billedField);
    return settled === null ? undefined : { billed: settled, reason: headers.get(reasonField) ?? undefined };
  });
}

describe("every endpoint that costs money says what the ledger says", () => {
  test("each has its row here", () => {
    expect(Object.keys(asked).toSorted()).toEqual(moduleNames.flatMap((name) => endpointsOf(name)).toSorted());
  });

  test.each(Object.entries(asked))("%s", async (pattern, [body, named = ""]) => {
    const path = pattern.replace("{model}", named);
    const got = await post(path, body);
    expect([got.response.statusCode, got.text]).toMatchObject([200, expect.any(String)]);
    const { billed, reason } = await toldOf(got);
    await expectCharge(idOf(got), billed);
    expect(reason).toBe("usage");
    await expectBill(idOf(got), billed ?? "");
    // Moderation is free; a price of nothing would prove nothing of the others.
    if (!path.endsWith("moderations")) expect(parseUsd(billed ?? "0")).toBeGreaterThan(0n);
    const strict = await post(path, body, {});
    expect(strict.response.headers).not.toHaveProperty(billedField);
    expect(strict.response.headers).not.toHaveProperty("trailer");
    expect(strict.text).not.toContain("throughline.cost");
  });
});

describe("an answer that was paid before", () => {
  test("costs nothing again", async () => {
    // Without the tag: a replay has a record and no entry in the ledger.
    const headers = { "x-throughline-cost": "true", "idempotency-key": `cost-${Date.now()}` };
    const body = { model, messages, stream: true };
    const first = await post("/v1/chat/completions", body, headers);
    await expectCharge(idOf(first), first.response.trailers[billedField]);
    const again = await post("/v1/chat/completions", body, headers);
    expect(again.response.headers["idempotent-replayed"]).toBe("true");
    expect(again.response.trailers).toMatchObject({ [billedField]: "0", [reasonField]: "replayed" });
    expect(again.text.match(/"billed_usd"/g)).toHaveLength(1);
    expect(again.text).toMatch(/"billed_usd":"0".*\n\ndata: \[DONE\]\n\n$/s);
  });
});

describe("an answer that comes in pieces has it in its trailers", () => {
  test.each([
    ["/v1/chat/completions", { model, messages, stream: true }],
    ["/v1/completions", { model, prompt: "Hello", stream: true }],
    ["/v1/messages", { model, max_tokens: 20, messages, stream: true }],
    ["/v1/responses", { model, input: "Hello", stream: true }],
    [`/v1beta/models/${model}:streamGenerateContent`, { contents: [{ parts: [{ text: "Hello" }] }] }],
    [`/v1beta/models/${model}:streamGenerateContent?alt=sse`, { contents: [{ parts: [{ text: "Hello" }] }] }],
    ["/v1/images/generations", { model: "image/sim-plain", prompt: "A hat", stream: true }],
    ["/v1/images/edits", form({ model: "image/sim-plain", prompt: "A hat", image: picture, stream: "true" })],
    ["/v1/audio/transcriptions", form({ model: "audio/sim-plain", file: sound, stream: "true" })],
    ["/v1/audio/speech", { model: "speech/sim-plain", voice: "alloy", input: "Hello" }],
    ["/v1/audio/speech", { model: "speech/sim-plain", voice: "alloy", input: "Hello", stream_format: "sse" }],
  ])("%s %j", async (path, body) => {
    const got = await post(path, body);
    expect([got.response.statusCode, got.response.headers.trailer]).toEqual([200, costFields.join(", ")]);
    await expectCharge(idOf(got), got.response.trailers[billedField]);
    const inBand = /"request_id":"(\d+)","billed_usd":"([^"]+)","billing_reason":"usage"/.exec(got.text);
    // Audio has no place for it.
    const isBytes = got.response.headers["content-type"]?.startsWith("audio/") ?? false;
    expect(inBand?.slice(1)).toEqual(isBytes ? undefined : [idOf(got), got.response.trailers[billedField]]);
    const strict = await post(path, body, {});
    expect(strict.response.headers).not.toHaveProperty("trailer");
    expect(strict.response.trailers).toEqual({});
    expect(strict.text).not.toContain("billed_usd");
  });

  test("a stream that broke off is told what was delivered, behind its error", async () => {
    const got = await post("/v1/chat/completions", { model: "sim-drop-stream", messages, stream: true });
    expect(got.text).toContain('"error"');
    expect(got.response.trailers[reasonField]).toBe("broken_delivered");
    await expectCharge(idOf(got), got.response.trailers[billedField]);
  });
});

test("a job has it in its JSON and in the head, once it is settled", async () => {
  const later = await post("/v1/chat/completions", { model, messages }, { ...asking, prefer: "respond-async" });
  const { id } = JSON.parse(later.text) as { id: string };
  const settled = await eventually(async () => {
    const response = await house.call(`/v1/jobs/${id}`, undefined, asking);
    const job = (await response.json()) as { billed_usd: string | null; billing_reason: string | null };
    return job.billed_usd === null ? undefined : { job, head: response.headers };
  });
  expect(settled.job.billing_reason).toBe("usage");
  expect(settled.head.get(billedField)).toBe(settled.job.billed_usd);
  await expectCharge(idOf(later), settled.job.billed_usd);
  expect(await (await house.call(`/v1/jobs/${id}`)).json()).not.toHaveProperty("billed_usd");
  const { jobs } = administer(house);
  const cost = {
    billed_usd: settled.job.billed_usd,
    billing_reason: "usage",
    usage: { quantities: expect.any(Object) },
  };
  const row = await jobs.get.query({ id });
  expect(row).toMatchObject(cost);
  expect(row.usage?.quantities.output_tokens).toBeGreaterThan(0);
  const listed = await jobs.list.query({ limit: 100 });
  expect(listed.jobs.find((one) => one.id === id)).toMatchObject(cost);
});

test("sums over time by tag, from the records, are those of the ledger", async () => {
  const { usage } = administer(house);
  const span = {
    from: new Date(Date.now() - 86_400_000).toISOString(),
    to: new Date(Date.now() + 60_000).toISOString(),
  };
  const added = (points: readonly { requests: number; billed_usd: string }[]) => ({
    requests: points.reduce((sum, one) => sum + one.requests, 0),
    charged: points.reduce((sum, one) => sum + parseUsd(one.billed_usd), 0n),
  });
  /** All pages of a series: on a slow machine there may be more than one. */
  const series = async (asked: Parameters<typeof usage.timeseries.query>[0]) => {
    const points: Awaited<ReturnType<typeof usage.timeseries.query>>["points"] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await usage.timeseries.query({ ...asked, ...(cursor === undefined ? {} : { cursor }) });
      points.push(...page.points);
      cursor = page.next_cursor;
    }
    return points;
  };
  const { sums } = await usage.sum.query({ ...span, by: "tag" });
  const ledger = sums.find(({ name }) => name === tag);
  const expected = { requests: ledger?.requests, charged: parseUsd(ledger?.charged_usd ?? "none") };
  // The records of the last answers may be on their way.
  const grouped = await eventually(async () => {
    const points = await series({ ...span, step: "day", group_by: "tag" });
    const ofTag = points.filter(({ group }) => group === tag);
    return added(ofTag).requests === expected.requests ? added(ofTag) : undefined;
  });
  expect(grouped).toEqual(expected);
  const filtered = await series({ ...span, step: "hour", group_by: "module", filter: { tag } });
  expect(added(filtered)).toEqual(expected);
  expect(new Set(filtered.map(({ group }) => group)).size).toBe(moduleNames.length);
});

describe("official SDKs read what was asked for", () => {
  const openai = () =>
    new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1`, maxRetries: 0, defaultHeaders: asking });
  const anthropic = () =>
    new Anthropic({ apiKey: house.key, baseURL: house.url, maxRetries: 0, defaultHeaders: asking });

  test("OpenAI: the chunk before the end has the cost", async () => {
    const { data, response } = await openai().chat.completions.create({ model, messages, stream: true }).withResponse();
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of data) chunks.push(chunk);
    const [first, last] = [chunks[0], chunks.at(-1)];
    expect(last).toMatchObject({ id: first?.id, model: first?.model, object: "chat.completion.chunk", choices: [] });
    const { throughline } = last as unknown as { throughline: { billed_usd: string } };
    await expectCharge(response.headers.get("request-id"), throughline.billed_usd);
  });

  test("OpenAI: helpers give the same answer as without", async () => {
    const ask = { model, messages, stream_options: { include_usage: true } };
    const said = await openai().chat.completions.stream(ask).finalChatCompletion();
    const plain = await new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1` }).chat.completions
      .stream(ask)
      .finalChatCompletion();
    expect(said.choices).toEqual(plain.choices);
    expect(said.usage?.total_tokens).toBe(plain.usage?.total_tokens);
    const response = await openai().responses.stream({ model, input: "Hello" }).finalResponse();
    expect(response).toHaveProperty("throughline.billed_usd");
    expect([response.status, response.output_text]).toEqual(["completed", expect.stringMatching(/./)]);
    const completion = await openai().completions.create({ model, prompt: "Hello", stream: true });
    let text = "";
    for await (const { choices } of completion) text += choices[0]?.text ?? "";
    expect(text).not.toBe("");
  });

  test("Anthropic: events and the helper", async () => {
    const ask = { model, max_tokens: 20, messages };
    const types: string[] = [];
    for await (const event of await anthropic().messages.create({ ...ask, stream: true })) types.push(event.type);
    expect(types.slice(-2)).toEqual(["message_stop", "throughline.cost"]);
    const message = await anthropic().messages.stream(ask).finalMessage();
    expect(message).toMatchObject({ type: "message", stop_reason: "max_tokens" });
  });

  test("Google", async () => {
    const client = new GoogleGenAI({ apiKey: house.key, httpOptions: { baseUrl: house.url, headers: asking } });
    let text = "";
    for await (const chunk of await client.models.generateContentStream({ model, contents: "Hello" })) {
      text += chunk.text ?? "";
    }
    expect(text).not.toBe("");
  });

  test("Python's", async (context) => {
    if (!(await hasPython("openai", "anthropic"))) return context.skip("openai and anthropic of Python are not there");
    await python(pythonClients, house.url, house.key, model);
  });
});

const pythonClients = `
import sys
from openai import OpenAI
from anthropic import Anthropic
url, key, model = sys.argv[1:]
asking = {"x-throughline-cost": "true"}
messages = [{"role": "user", "content": "Hello"}]
client = OpenAI(api_key=key, base_url=url + "/v1", default_headers=asking, max_retries=0)
chunks = list(client.chat.completions.create(model=model, messages=messages, stream=True))
assert chunks[-1].throughline["billed_usd"], chunks[-1]
with client.chat.completions.stream(model=model, messages=messages) as stream:
    assert stream.get_final_completion().choices[0].message.content
with client.responses.stream(model=model, input="Hello") as stream:
    assert stream.get_final_response().output_text
assert "".join(chunk.choices[0].text for chunk in client.completions.create(model=model, prompt="Hello", stream=True) if chunk.choices)
client = Anthropic(api_key=key, base_url=url, default_headers=asking, max_retries=0)
with client.messages.stream(model=model, max_tokens=20, messages=messages) as stream:
    assert stream.get_final_message().stop_reason
`;
