import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import OpenAI, { toFile } from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { statement } from "../../shared/db/index.ts";
import { traceIdOf } from "../../shared/request-id.ts";
import { createCertificates } from "../../shared/rpc/testing-certificates.ts";
import { hasPython, python } from "../conformance/python.ts";
import { administer, adminKey, expectSoundBooks, openCustomer } from "./administration.ts";
import { type Deployment, eventually, type Mode, startDeployment } from "./deployment.ts";
import { testLaterCalls } from "./later-cases.ts";
import { testScrapes, watchedMesh } from "./scrape-cases.ts";
import { expectConventions } from "./span-conventions.ts";

/* Videos: jobs from their request to their end, as the official SDK begins, follows, fetches and deletes them. */

const modes: Mode[] = ["up", "mesh"];
const ledgerOf = statement("videos_ledger", "select kind, amount from billing.ledger where entry_id = $1");
const copied = statement(
  "videos_copied",
  "select result_bytes as bytes from jobs.job where request_id = $1 and result_object > 0",
);
const prompt = "A lighthouse at dusk";

/** What a request shows of its job. */
interface JobLife {
  readonly polls: number;
  readonly events: readonly { readonly name: string }[];
  readonly deliveries: readonly { readonly state: string }[];
}

const unwrapsInPython = `
import json, sys
from openai import OpenAI, InvalidWebhookSignatureError
secret, body, headers, video = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), sys.argv[4]
client = OpenAI(api_key="unused")
event = client.webhooks.unwrap(body, headers, secret=secret)
assert event.type == "video.completed" and event.data.id == video, event
try:
    client.webhooks.unwrap(body + " ", headers, secret=secret)
    assert False, "a changed body was taken"
except InvalidWebhookSignatureError:
    pass
`;

describe.each(modes)("videos: %s", (mode) => {
  let house: Deployment;
  let openai: OpenAI;
  let folder = "";
  let front: Server | undefined;
  const certificates = createCertificates();
  /** Calls of vendors that passed. */
  const called: { readonly path: string; readonly status: number }[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "throughline-videos-"));
    front = createServer(async (request, response) => {
      const { status } = await fetch(`${house.url}${request.url}`, { method: "POST", body: await text(request) });
      called.push({ path: request.url ?? "", status });
      response.writeHead(status).end();
    }).listen(0, "127.0.0.1");
    await once(front, "listening");
    house = await startDeployment(mode, {
      THROUGHLINE_ADMIN_KEY: adminKey,
      // Vendors reach the gateway through a server in front of it, which tells what passed.
      PUBLIC_URL: `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
      // In one of the two ways results are copied to a folder, in the other they stay with the vendor.
      ...(mode === "mesh" ? { OBJECT_STORE_URL: `file://${folder}`, ...(await watchedMesh(certificates)) } : {}),
      JOBS_FIRST_POLL: "50ms",
      JOBS_MAX_POLL: "100ms",
      WEBHOOK_ALLOW: "127.0.0.1",
      LOG_LEVEL: "warn",
    });
    openai = new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1`, maxRetries: 0 });
  }, 90_000);
  afterAll(async () => {
    await house?.[Symbol.asyncDispose]();
    front?.close();
    await rm(folder, { recursive: true, force: true });
    certificates.remove();
  }, 60_000);

  const requestOf = (id: string) => BigInt(id.replace("video_", ""));

  async function ended(id: string) {
    return eventually(async () => {
      const video = await openai.videos.retrieve(id);
      return video.status === "completed" || video.status === "failed" ? video : undefined;
    }, 20_000);
  }

  async function entryOf(id: string) {
    return eventually(
      async () => (await house.db.query<{ kind: number; amount: bigint }>(ledgerOf, [requestOf(id)]))[0],
    );
  }

  /** Whether a callback had the job looked at. It is noted after its caller has the answer. */
  async function wasWoken(id: string): Promise<boolean> {
    const seen = await eventually(async () => {
      const { job } = (await (await house.call(`/v1/requests/${id.slice(6)}`)).json()) as { job: JobLife };
      return job.events.some(({ name }) => name === "callback") ? job : undefined;
    }, 1_000).catch(() => undefined);
    return seen !== undefined;
  }

  async function statusesOf(id: string): Promise<string | undefined> {
    const response = await house.call("/bp/ai/ai_request/history/query?page=1&page_size=100");
    const { data } = (await response.json()) as { data: { request_id: string; status: string }[] };
    return data.find((row) => row.request_id === requestOf(id).toString())?.status;
  }

  test("is begun by a form with a picture, followed, charged by its seconds, and fetched whole and by range", async () => {
    const picture = await toFile(Buffer.alloc(300_000, 7), "first.png", { type: "image/png" });
    const { data: video, response } = await openai.videos
      .create({
        model: "video/sim-job-queue-400" as "sora-2",
        prompt,
        seconds: "4",
        size: "1280x720",
        input_reference: picture,
      })
      .withResponse();
    expect(video).toMatchObject({ object: "video", status: "queued", seconds: "4", size: "1280x720", error: null });
    expect(video.id).toBe(`video_${response.headers.get("x-request-id")}`);
    const done = await ended(video.id);
    expect(done).toMatchObject({ status: "completed", progress: 100, prompt });
    const { kind, amount } = await entryOf(video.id);
    expect(kind).toBe(1);
    expect(amount).toBeLessThan(0n);
    expect(await eventually(async () => ((await statusesOf(video.id)) === "succeeded" ? true : undefined))).toBe(true);

    // One trace has the request, the job, and below that all that was asked of the vendor: the start, the polls that left it going on,
    // of which a busy machine may make none, and the last one. Spans come one by one.
    const spans = await eventually(() => {
      const all = house.collector.spans().filter(({ traceId }) => traceId === traceIdOf(requestOf(video.id)));
      const ids = new Set(all.map(({ spanId }) => spanId));
      const isWhole = all.every(({ parentSpanId }) => parentSpanId === undefined || ids.has(parentSpanId));
      const below = (id: string): string[] =>
        all.flatMap((one) => (one.parentSpanId === id ? [one.name, ...below(one.spanId)] : []));
      const whole = all.find(({ name }) => name === "throughline.job");
      if (!isWhole || whole === undefined) return undefined;
      const asked = below(whole.spanId).filter((name) => name.startsWith("video_generation"));
      return asked.length === Number(whole.attributes["throughline.job.polls"]) + 2 ? all : undefined;
    });
    expectConventions(spans, requestOf(video.id));

    const content = Buffer.from(await (await openai.videos.downloadContent(video.id)).arrayBuffer());
    const again = Buffer.from(await (await openai.videos.downloadContent(video.id)).arrayBuffer());
    expect(content.length).toBeGreaterThan(100_000);
    expect(digest(again)).toBe(digest(content));
    const part = await house.call(`/v1/videos/${video.id}/content`, undefined, { range: "bytes=1000-1999" });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 1000-1999/${content.length}`]);
    expect(Buffer.from(await part.arrayBuffer()).equals(content.subarray(1_000, 2_000))).toBe(true);

    if (mode === "mesh") {
      const [copy] = await eventually(async () => {
        const rows = await house.db.query<{ bytes: bigint }>(copied, [requestOf(video.id)]);
        return rows.length > 0 ? rows : undefined;
      }, 20_000);
      expect(copy?.bytes).toBe(BigInt(content.length));
      const ours = Buffer.from(await (await openai.videos.downloadContent(video.id)).arrayBuffer());
      expect(digest(ours)).toBe(digest(content));
      const piece = await house.call(`/v1/videos/${video.id}/content`, undefined, { range: "bytes=-10" });
      expect(Buffer.from(await piece.arrayBuffer()).equals(content.subarray(-10))).toBe(true);
      expect(await readdir(folder)).toContain(requestOf(video.id).toString());
      // It says how long the copy lives, which is longer than the vendor keeps it.
      const { expires_at: expires, completed_at: completed } = await openai.videos.retrieve(video.id);
      expect((expires ?? 0) - (completed ?? 0)).toBeGreaterThan(29 * 86_400);
    }

    // The vendor's own ID finds the request.
    const job = (await (await house.call(`/v1/jobs/${video.id}`)).json()) as { vendor_job_id: string; status: string };
    expect(job.status).toBe("succeeded");
    const life = (await (await house.call(`/v1/requests/${job.vendor_job_id}`)).json()) as { id: string };
    expect(life).toMatchObject({ id: requestOf(video.id).toString() });
    const steps = (life as { timeline?: { name: string }[] }).timeline?.map(({ name }) => name);
    expect(steps).toEqual(expect.arrayContaining(["queueing", "processing", "succeeded"]));
  });

  test.each(["twice", "forged"])(
    "whose vendor's callbacks come %s: they have it looked at and say nothing of it",
    async (how) => {
      const model = `video/sim-job-callback-${how}`;
      // A vendor that can call, in front of the simulator.
      await administer(house).channels.put.mutate({
        channel: {
          ...{
            name: "calls",
            adapter: "openai",
            base_url: `${house.simulator.url}/v1`,
            groups: ["default"],
            priority: 10,
          },
          flavour: { vendor: "openrouter" },
          models: [{ model, upstream_model: `sim-job-queue-100+job-run-900+job-callback-${how}` }],
        },
        new_credential: "unused",
      });
      called.length = 0;
      const video = await eventually(async () => {
        const made = await openai.videos.create({ model: model as "sora-2", prompt, seconds: "4" });
        const { channel } = (await (await house.call(`/v1/jobs/${made.id}`)).json()) as { channel: string };
        return channel === "calls" ? made : undefined;
      });
      const at = house.simulator.requests.findLast(({ path }) => path === "/v1/videos");
      expect(JSON.parse(at?.body.toString() ?? "{}")).toMatchObject({
        callback_url: expect.stringMatching(/\/callbacks\/[\w-]{32}$/),
      });
      // A callback that says the job has ended while it runs ends nothing.
      await eventually(() => (called.length >= 2 ? true : undefined));
      expect(["queued", "in_progress"]).toContain((await openai.videos.retrieve(video.id)).status);
      expect((await ended(video.id)).status).toBe("completed");
      await eventually(() => (called.length >= 4 ? true : undefined));
      expect(called.map(({ status }) => status)).toEqual(called.map(() => 204));
      expect((await entryOf(video.id)).kind).toBe(1);
      if (mode === "up" && how === "forged") {
        const metrics = await eventually(async () => {
          const text = await (await house.call("/metrics")).text();
          return text.includes('throughline_job_callbacks_total{outcome="forged"}') ? text : undefined;
        });
        expect(metrics).toMatch(/^throughline_job_callbacks_total\{outcome="forged"\} 3$/m);
      }
      // One that comes while its job is looked at anyway is not noted, and on a busy machine all of a job's may.
      let last = video;
      for (let tries = 1; tries < 5 && !(await wasWoken(last.id)); tries += 1) {
        last = await openai.videos.create({ model: model as "sora-2", prompt, seconds: "4" });
        await ended(last.id);
      }
      expect(await wasWoken(last.id)).toBe(true);
    },
  );

  if (mode === "up") {
    test("the books are sound", () => expectSoundBooks(house, 30_000));
    // All else is alike in both: over gRPC what jobs and gateway say is written and read, so that proves more.
    return;
  }

  test("tells its end to a webhook and to its callback URL, as the SDK checks it, and its request shows who was told", async () => {
    const messages: { path: string; headers: Record<string, string>; body: string }[] = [];
    const receiver = createServer(async (request, response) => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      messages.push({ path: request.url ?? "", headers, body: await text(request) });
      response.writeHead(204).end();
    });
    receiver.listen(0, "127.0.0.1");
    await once(receiver, "listening");
    const url = `http://127.0.0.1:${Reflect.get(Object(receiver.address()), "port")}`;
    const admin = administer(house);
    const { webhook_id, secret } = await admin.webhooks.create.mutate({ url: `${url}/all`, events: ["video.*"] });
    const callbacks = await admin.webhooks.rotateCallbacks.mutate({});
    const asked = { model: "video/sim-job-queue-100" as "sora-2", prompt, callback_url: `${url}/one` };
    const { id } = await openai.videos.create(asked);
    const secrets: Record<string, string> = { "/all": secret, "/one": callbacks.secret };
    await eventually(async () => (messages.length === 2 ? true : undefined), 20_000);
    for (const { path, headers, body } of messages) {
      const client = new OpenAI({ apiKey: "unused", webhookSecret: secrets[path] ?? null });
      expect(await client.webhooks.unwrap(body, headers)).toMatchObject({ type: "video.completed", data: { id } });
      expect(headers["x-request-id"]).toBe(requestOf(id).toString());
    }
    expect(messages.map(({ path }) => path).sort()).toEqual(["/all", "/one"]);
    if (await hasPython("openai")) {
      for (const { path, headers, body } of messages) {
        await python(unwrapsInPython, secrets[path] ?? "", body, JSON.stringify(headers), id);
      }
    }
    const life = await eventually(async () => {
      const { job } = (await (await house.call(`/v1/requests/${id}`)).json()) as { job: JobLife | null };
      return job?.deliveries.every(({ state }) => state === "delivered") ? job : undefined;
    });
    expect(life.deliveries).toHaveLength(2);
    expect(life.polls).toBeGreaterThan(0);
    expect(life.events.map(({ name }) => name)).toEqual(expect.arrayContaining(["queueing", "succeeded"]));
    expect(JSON.stringify(life)).not.toContain(url);
    await admin.webhooks.delete.mutate({ webhook_id });
    receiver.close();
  });

  test("is remixed by the vendor that has it, and charged as another video", async () => {
    const video = await openai.videos.create({ model: "video/sim-job-run-10" as "sora-2", prompt, seconds: "8" });
    const early = await openai.videos.remix("video_1", { prompt: "x" }).catch((error: unknown) => error);
    expect(early).toMatchObject({ status: 404 });
    await ended(video.id);
    const remix = await openai.videos.remix(video.id, { prompt: "The same by day" });
    expect(remix).toMatchObject({ remixed_from_video_id: video.id, prompt: "The same by day", seconds: "8" });
    expect(remix.id).not.toBe(video.id);
    expect(await ended(remix.id)).toMatchObject({ status: "completed", remixed_from_video_id: video.id });
    expect((await entryOf(remix.id)).amount).toBe((await entryOf(video.id)).amount);
    expect(house.simulator.requests.some(({ path }) => /\/remix$/.test(path))).toBe(true);
  });

  test("is begun and asked after as new-api's clients do", async () => {
    const asked = { model: "video/sim-job-run-10", prompt, duration: 5.0, width: 1280, height: 720, n: 1, fps: 24 };
    const begun = (await (await house.call("/v1/video/generations", asked)).json()) as { task_id: string };
    const task = await eventually(async () => {
      const told = (await (await house.call(`/v1/video/generations/${begun.task_id}`)).json()) as {
        code: string;
        data: { status: string; result_url?: string; progress: string; data: { seconds: string; size: string } };
      };
      return told.data.status === "SUCCESS" ? told : undefined;
    }, 20_000);
    expect(task).toMatchObject({
      code: "success",
      data: { progress: "100%", data: { seconds: "5", size: "1280x720" } },
    });
    expect((await house.call(task.data.result_url ?? "")).status).toBe(200);
    expect((await entryOf(begun.task_id)).amount).toBeLessThan(0n);
    const bad = await house.call("/v1/video/generations", { ...asked, duration: "long" });
    expect([bad.status, ((await bad.json()) as { error: { param: string } }).error.param]).toEqual([400, "duration"]);
  });

  test("that fails, or whose start is lost or refused, is free and says why", async () => {
    const failed = await openai.videos.create({ model: "video/sim-job-fail" as "sora-2", prompt });
    expect((await ended(failed.id)).error).toMatchObject({ code: "upstream_error" });
    expect(await entryOf(failed.id)).toMatchObject({ kind: 2, amount: 0n });

    for (const [model, code] of [
      ["video/sim-job-create-lost", "upstream_outcome_unknown"],
      ["video/sim-job-create-refused", "invalid_value"],
    ] as const) {
      const refused = await openai.videos.create({ model: model as "sora-2", prompt }).then(
        () => undefined,
        (error: unknown) => error as InstanceType<typeof OpenAI.APIError>,
      );
      expect(refused).toMatchObject({ code });
      expect(await entryOf(`video_${refused?.requestID}`)).toMatchObject({ kind: 2, amount: 0n });
    }
  });

  test("is cancelled by DELETE while it runs, and leaves the list by DELETE when it has ended", async () => {
    const video = await openai.videos.create({ model: "video/sim-job-stuck" as "sora-2", prompt });
    expect(await openai.videos.delete(video.id)).toMatchObject({ id: video.id, deleted: false });
    const over = await eventually(async () => {
      const job = (await (await house.call(`/v1/jobs/${video.id}`)).json()) as { cancel_requested: boolean };
      return job.cancel_requested ? job : undefined;
    });
    expect(over.cancel_requested).toBe(true);
    expect((await ended(video.id)).error).toMatchObject({ code: "cancelled" });

    const short = await openai.videos.create({ model: "video/sim-job-run-10" as "sora-2", prompt });
    await ended(short.id);
    const listed = await openai.videos.list({ limit: 1 });
    expect(listed.data.map(({ id }) => id)).toEqual([short.id]);
    expect(listed.has_more).toBe(true);
    expect(await openai.videos.delete(short.id)).toMatchObject({ deleted: true });
    await expect(openai.videos.retrieve(short.id)).rejects.toMatchObject({ status: 404 });
  });

  test("of another account is as one that is not there, in every spelling", async () => {
    const video = await openai.videos.create({ model: "video/sim-job-run-10" as "sora-2", prompt });
    await ended(video.id);
    const stranger = await openCustomer(administer(house), { account: {}, key: {} });
    const plain = requestOf(video.id).toString();
    for (const path of [`videos/${video.id}`, `videos/${plain}`, `videos/${video.id}/content`, `jobs/job_${plain}`]) {
      const response = await house.call(`/v1/${path}`, undefined, stranger.headers);
      expect([path, response.status]).toEqual([path, 404]);
    }
    const begun = house.simulator.requests.length;
    for (const id of [video.id, plain, "video_1"]) {
      const remix = await house.call(`/v1/videos/${id}/remix`, { prompt: "by day" }, stranger.headers);
      expect([id, remix.status]).toEqual([id, 404]);
    }
    expect(house.simulator.requests.length).toBe(begun);
  });

  test.each([
    [{}, "model"],
    [{ model: "video/sim-plain" }, "prompt"],
    [{ model: "video/sim-plain", prompt, seconds: "none" }, "seconds"],
    [{ model: "video/sim-plain", prompt, size: "large" }, "size"],
  ])("a request with %j is refused before anything is begun", async (body, param) => {
    const response = await house.call("/v1/videos", body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: { param: string } }).error.param).toBe(param);
  });

  testLaterCalls(() => house);

  if (mode === "mesh") testScrapes(() => house);

  test("the books are sound", () => expectSoundBooks(house, 30_000));
});

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
