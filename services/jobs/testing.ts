import { createHash } from "node:crypto";
import { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Job, JobsService } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { createLog } from "../../shared/log.ts";
import { pieceBytes } from "../../shared/object-piece.ts";
import { traceIdOf } from "../../shared/request-id.ts";
import { createInProcessClient, type ServiceClient } from "../../shared/rpc/index.ts";
import { createTestTelemetry } from "../../shared/telemetry/testing.ts";
import { rootSpanId } from "../../shared/telemetry/tracing.ts";
import { envToConfig, type JobsConfig } from "./config.ts";
import { startJobs } from "./server.ts";
import { createTestServices } from "./testing-services.ts";
import type { World } from "./testing-world.ts";

/** Webhooks of tests: they may go to this machine, and their waits are short. */
export const testWebhooks = {
  allow: ["127.0.0.1"],
  timeoutMs: 400,
  waitsMs: [10, 10, 20, 20, 30, 30],
  budgetsEveryMs: 30,
  channelsEveryMs: 30,
  // Long enough for a test to see that a channel is out, and to have it back before that is told, also on a busy machine.
  channelOutAfterMs: 600,
  channelBackAfterMs: 150,
} as const;

/** Starts jobs in a world. */
export async function startTestJobs(url: string, world: World, config: Partial<JobsConfig> = {}) {
  const telemetry = createTestTelemetry();
  const services = createTestServices(world);
  const given = envToConfig({
    ...{ DATABASE_URL: url, JOBS_FIRST_POLL: "10ms", JOBS_MAX_POLL: "20ms" },
    CREDENTIAL_KEY: Buffer.alloc(32, 9).toString("base64"),
  });
  const service = await startJobs(
    { ...given, webhooks: { ...given.webhooks, ...testWebhooks }, ...config },
    {
      log: createLog({ service: "jobs", level: "silent" }),
      tracing: telemetry.tracer("jobs"),
      metrics: telemetry.metrics,
      ...services,
    },
  );
  const client = createInProcessClient(service.definition);
  return {
    client,
    spans: () => telemetry.spans(),
    async stop() {
      await client.close();
      await service.stop();
      await Promise.all(Object.values(services).map((client) => client.close()));
      await telemetry.shutdown();
    },
  };
}

/** Whose jobs the tests make. */
export const owner = { accountId: 7n };
let lastId = 900_000_000_000_000n;

/** What a test says of a job. */
export interface TestJob {
  readonly lifeMs?: number;
  readonly requestId?: bigint;
  readonly callbackUrl?: string;
  readonly accountId?: bigint;
  readonly channel?: string;
}

/** Begins a job. */
export async function beginTestJob(
  client: ServiceClient<typeof JobsService>,
  {
    lifeMs = 60_000,
    requestId = ++lastId,
    callbackUrl = "",
    accountId = owner.accountId,
    channel = "stub",
  }: TestJob = {},
): Promise<Job> {
  const { job } = await client.createJob(
    {
      ...{ requestId, callbackUrl },
      lifeMs: BigInt(lifeMs),
      view: Buffer.from("{}"),
      item: {
        dialect: "openai.videos",
        module: Module.VIDEO,
        model: "video",
        body: Buffer.from('{"prompt":"a cat"}'),
        candidates: [{ channel, platform: "stub", upstreamModel: "video", pricing: { strategy: "s" } }],
        facts: { accountId, keyId: 3n, model: "video", createdUnixUs: BigInt(Date.now()) * 1_000n },
      },
    },
    { requestId, timeoutMs: 20_000, traceparent: rootContextOf(requestId) },
  );
  if (job === undefined) throw new Error("no job came");
  return job;
}

/** The context of the request that begins a job, whose trace is recorded. */
export function rootContextOf(requestId: bigint): string {
  return `00-${traceIdOf(requestId)}-${rootSpanId(requestId)}-01`;
}

/** What a test says of a call. */
export interface TestCall {
  readonly lifeMs?: number;
  readonly requestId?: bigint;
  readonly accountId?: bigint;
  readonly module?: Module;
  readonly form?: Buffer;
  readonly keepsAnswer?: boolean;
  readonly input?: string;
}

/** Has jobs take a call. */
export async function beginTestCall(client: ServiceClient<typeof JobsService>, call: TestCall = {}): Promise<Job> {
  const { lifeMs = 60_000, requestId = ++lastId, accountId = owner.accountId, module = Module.IMAGE, form } = call;
  const options = { requestId, timeoutMs: 20_000, traceparent: rootContextOf(requestId) };
  const object = { objectId: requestId, accountId };
  if (form !== undefined) {
    await client.beginObject({ ...object, contentType: "application/octet-stream" }, options);
    for (let piece = 0; piece * pieceBytes < form.length; piece++) {
      const data = form.subarray(piece * pieceBytes, (piece + 1) * pieceBytes);
      await client.writeObject({ ...object, piece, data }, options);
    }
    const sha256 = createHash("sha256").update(form).digest();
    await client.finishObject({ ...object, bytes: BigInt(form.length), sha256, lifeMs: 60_000n }, options);
  }
  const { job } = await client.createCall(
    {
      requestId,
      lifeMs: BigInt(lifeMs),
      view: Buffer.from("{}"),
      input: Buffer.from(call.input ?? ""),
      keepsAnswer: call.keepsAnswer ?? false,
      uploadObjectId: form === undefined ? 0n : requestId,
      item: {
        ...{ dialect: "openai.images", module, model: "picture", body: Buffer.from('{"prompt":"a cat"}') },
        bodyLength: BigInt(form?.length ?? 0),
        candidates: [{ channel: "stub", platform: "stub", upstreamModel: "picture", pricing: { strategy: "s" } }],
        facts: { accountId, keyId: 3n, model: "picture", createdUnixUs: BigInt(Date.now()) * 1_000n },
      },
    },
    options,
  );
  if (job === undefined) throw new Error("no job came");
  return job;
}

/** The result of a call. */
export async function resultOf(client: ServiceClient<typeof JobsService>, requestId: bigint): Promise<Buffer> {
  const { job } = await client.getJob({ owner, requestId }, { requestId: 1n, timeoutMs: 10_000 });
  if (job === undefined) throw new Error("no job came");
  if (job.resultObjectId === 0n) return Buffer.from(job.result);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < Number(job.resultBytes); at += pieces.at(-1)?.length ?? 0) {
    const asked = { objectId: job.resultObjectId, ...owner, offset: BigInt(at), maxBytes: pieceBytes };
    pieces.push((await client.readObject(asked, { requestId: 1n, timeoutMs: 10_000 })).data);
  }
  return Buffer.concat(pieces);
}
