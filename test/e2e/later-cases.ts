import OpenAI, { toFile } from "openai";
import type { Response as AiResponse } from "openai/resources/responses/responses";
import { expect, test } from "vitest";
import { statement } from "../../shared/db/index.ts";
import { hasPython, python } from "../conformance/python.ts";
import { administer, openCustomer } from "./administration.ts";
import { type Deployment, eventually } from "./deployment.ts";

/* Calls that are answered later: by Prefer: respond-async, and by responses in the background. */

const chargesOf = statement("later_ledger", "select kind, amount from billing.ledger where entry_id = $1");
const hasOpenAi = await hasPython("openai");

const asksInPython = `
import sys, time
from openai import OpenAI
url, key = sys.argv[1:]
client = OpenAI(api_key=key, base_url=url, max_retries=0)
response = client.responses.create(model="sim-slow-first-token-100", input="Hello", background=True)
assert response.status in ("queued", "in_progress") and response.background
while response.status in ("queued", "in_progress"):
    time.sleep(0.05)
    response = client.responses.retrieve(response.id)
assert response.status == "completed" and response.output_text and response.usage.output_tokens > 0, response
stuck = client.responses.create(model="sim-hang-headers", input="Hello", background=True)
assert client.responses.cancel(stuck.id).status == "cancelled"
client.responses.delete(response.id)
`;

interface JobView {
  readonly id: string;
  readonly request_id: string;
  readonly status: string;
  readonly error: { readonly code: string } | null;
  readonly content: { readonly url: string; readonly type: string; readonly bytes: number } | null;
  readonly result?: { readonly data?: readonly object[]; readonly text?: string };
}

const later = { prefer: "respond-async" };

/** The tests of a deployment. */
export function testLaterCalls(houseOf: () => Deployment): void {
  async function begun(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    const response = await houseOf().call(path, body, { ...later, ...headers });
    const job = (await response.json()) as JobView;
    expect([response.status, response.headers.get("preference-applied")]).toEqual([202, "respond-async"]);
    expect(response.headers.get("location")).toBe(`/v1/jobs/${job.id}`);
    return job;
  }

  function ended(id: string): Promise<JobView> {
    return eventually(async () => {
      const job = (await (await houseOf().call(`/v1/jobs/${id}`)).json()) as JobView;
      return job.status === "succeeded" || job.status === "failed" ? job : undefined;
    }, 20_000);
  }

  /** The ledger's entry of a request that is settled: 1 charged, 2 free. */
  function settled(id: string) {
    return eventually(async () => {
      const rows = await houseOf().db.query<{ kind: number; amount: bigint }>(chargesOf, [BigInt(id)]);
      return rows.length === 0 ? undefined : rows;
    });
  }

  function recorded(id: string) {
    return eventually(async () => {
      const found = (await (await houseOf().call(`/v1/requests/${id}`)).json()) as { status?: string };
      return found.status === "succeeded" || found.status === "failed" ? found : undefined;
    });
  }

  test("an image is asked for, answered later inline, charged once and recorded", async () => {
    const body = { model: "image/sim-plain", prompt: "A lighthouse" };
    const job = await begun("/v1/images/generations", body, { "idempotency-key": "later-image" });
    const again = await houseOf().call("/v1/images/generations", body, { ...later, "idempotency-key": "later-image" });
    expect([again.status, again.headers.get("location")]).toEqual([202, `/v1/jobs/${job.id}`]);
    expect(((await again.json()) as JobView).id).toBe(job.id);
    // At once: it is another request, so its key is taken.
    const now = await houseOf().call("/v1/images/generations", body, { "idempotency-key": "later-image" });
    expect(now.status).toBeGreaterThanOrEqual(400);
    const done = await ended(job.id);
    expect(done).toMatchObject({ status: "succeeded", error: null, content: { type: "application/json" } });
    expect(done.result?.data).toHaveLength(1);
    expect(await settled(job.request_id)).toMatchObject([{ kind: 1 }]);
    expect(await recorded(job.request_id)).toMatchObject({ id: job.request_id, status: "succeeded" });
    const content = await houseOf().call(done.content?.url ?? "");
    expect(await content.json()).toEqual(done.result);
  });

  test("speech is fetched whole and by range, a form goes with its call, and another account sees neither", async () => {
    const spoken = await begun("/v1/audio/speech", { model: "speech/sim-plain", voice: "alloy", input: "Hello there" });
    const done = await ended(spoken.id);
    expect(done).toMatchObject({ status: "succeeded", content: { type: expect.stringMatching(/^audio\//) } });
    expect(done.result).toBeUndefined();
    const url = done.content?.url ?? "";
    const whole = Buffer.from(await (await houseOf().call(url)).arrayBuffer());
    expect(whole).toHaveLength(done.content?.bytes ?? 0);
    const part = await houseOf().call(url, undefined, { range: "bytes=10-19" });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 10-19/${whole.length}`]);
    expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(10, 20))).toBe(true);

    const form = new FormData();
    form.append("model", "audio/sim-plain");
    form.append("file", await toFile(Buffer.alloc(2_500_000, "audio of no format. "), "a.mp3"));
    const heard = await ended((await begun("/v1/audio/transcriptions", form)).id);
    expect(heard.result?.text).toContain("2500000 bytes");

    const stranger = await openCustomer(administer(houseOf()), { account: {}, key: {} });
    for (const path of [
      `/v1/jobs/${spoken.id}`,
      url,
      `/v1/jobs/${heard.id}`,
      `/v1/responses/resp_${spoken.request_id}`,
    ]) {
      const response = await houseOf().call(path, undefined, stranger.headers);
      expect([path, response.status]).toEqual([path, 404]);
    }
  });

  test("what fails is free and says why; what is cancelled is stopped; bad input is an error of the call itself", async () => {
    const failed = await ended(
      (await begun("/v1/images/generations", { model: "image/sim-status-422", prompt: "x" })).id,
    );
    expect(failed).toMatchObject({ status: "failed", content: null });
    expect(failed.error?.code).toBeTruthy();
    expect(await settled(failed.request_id)).toMatchObject([{ kind: 2, amount: 0n }]);

    const stuck = await begun("/v1/images/generations", { model: "image/sim-hang-headers", prompt: "x" });
    await houseOf().call(`/v1/jobs/${stuck.id}/cancel`, {});
    expect((await ended(stuck.id)).error).toMatchObject({ code: "cancelled" });
    expect(await settled(stuck.request_id)).toMatchObject([{ kind: 2, amount: 0n }]);

    const bad = await houseOf().call("/v1/images/generations", { model: "image/sim-plain" }, later);
    expect([bad.status, bad.headers.get("preference-applied")]).toEqual([400, null]);
    // A stream is given as it comes.
    const chat = { model: "sim-plain", messages: [{ role: "user", content: "Hi" }], stream: true };
    const streamed = await houseOf().call("/v1/chat/completions", chat, later);
    expect([streamed.status, await streamed.text()]).toEqual([200, expect.stringContaining("[DONE]")]);
  });

  test("a job takes no slot of concurrent requests, and has a limit of its own", async () => {
    const terms = { account: {}, key: { limits: { concurrent_requests: 1, concurrent_jobs: 1 } } };
    const { headers } = await openCustomer(administer(houseOf()), terms);
    const stuck = await begun("/v1/images/generations", { model: "image/sim-hang-headers", prompt: "x" }, headers);
    const chat = { model: "sim-plain", messages: [{ role: "user", content: "Hi" }] };
    expect((await houseOf().call("/v1/chat/completions", chat, headers)).status).toBe(200);
    const video = await houseOf().call("/v1/videos", { model: "video/sim-job-run-10", prompt: "x" }, headers);
    expect([video.status, ((await video.json()) as { error: { code: string } }).error.code]).toEqual([
      429,
      "concurrent_limit_exceeded",
    ]);
    await houseOf().call(`/v1/jobs/${stuck.id}/cancel`, {}, headers);
    await settled(stuck.request_id);
    expect((await houseOf().call("/v1/videos", { model: "video/sim-job-run-10", prompt: "x" }, headers)).status).toBe(
      200,
    );
  });

  test("a response in the background is queued, made, gone on from, cancelled and deleted", async () => {
    const house = houseOf();
    const openai = new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1`, maxRetries: 0 });
    const model = "sim-slow-first-token-100";
    const asked = await openai.responses.create({ model, input: "Hello", instructions: "Be brief.", background: true });
    expect(asked).toMatchObject({ object: "response", background: true, output: [], instructions: "Be brief." });
    expect(["queued", "in_progress"]).toContain(asked.status);
    const made = await eventually(async () => {
      const now = await openai.responses.retrieve(asked.id);
      return now.status === "queued" || now.status === "in_progress" ? undefined : now;
    }, 20_000);
    expect(made).toMatchObject({ id: asked.id, status: "completed", background: true, store: true });
    expect(made.output_text.length).toBeGreaterThan(0);
    const id = asked.id.replace("resp_", "");
    expect(await settled(id)).toMatchObject([{ kind: 1 }]);
    expect(await openai.responses.cancel(asked.id)).toMatchObject({ status: "completed" });

    const next = await openai.responses.create({
      model: "sim-plain",
      input: "More",
      previous_response_id: asked.id,
    });
    expect(next).toMatchObject({ status: "completed", previous_response_id: asked.id, background: false });
    await openai.responses.delete(asked.id);
    await expect(openai.responses.retrieve(asked.id)).rejects.toMatchObject({ status: 404 });

    const stuck = await openai.responses.create({
      model: "sim-hang-headers",
      input: "Hello",
      background: true,
    });
    const cancelled: AiResponse = await openai.responses.cancel(stuck.id);
    expect(cancelled).toMatchObject({ id: stuck.id, status: "cancelled", error: null });
    expect(await settled(stuck.id.replace("resp_", ""))).toMatchObject([{ kind: 2, amount: 0n }]);

    const failed = await openai.responses.create({
      model: "sim-status-422",
      input: "Hello",
      background: true,
    });
    const over = await eventually(async () => {
      const now = await openai.responses.retrieve(failed.id);
      return now.status === "failed" ? now : undefined;
    }, 20_000);
    expect(over.error?.code).toBeTruthy();
    await expect(openai.responses.cancel(next.id)).rejects.toMatchObject({ status: 400 });
  });

  test.skipIf(!hasOpenAi)("the official SDK for Python makes responses in the background", async () => {
    await python(asksInPython, `${houseOf().url}/v1`, houseOf().key);
  });
}
