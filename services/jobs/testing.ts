import { createHash } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ErrorCode } from "../../shared/errors/catalogue.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { toWireError } from "../../shared/errors/wire.ts";
import {
  BillingService,
  type BudgetUseSchema,
  type ExtendRequest,
  type ListBudgetUseRequest,
  type Reservation,
  type ReserveItem,
  type SettleItem,
  type Settlement,
  type SplitReservationRequest,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { ErrorSchema, Module, Unit } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import {
  type Record as HistoryRecord,
  HistoryService,
  type Recorded,
  type RecordItem,
} from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Job, JobsService } from "../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import {
  type Frame,
  type InvokeItem,
  JobAction,
  type JobStep,
  type Outcome,
  ProviderService,
} from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { RoutingService } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { type JobReport, writeJobReport, writeJobReports } from "../../shared/job-report.ts";
import { createLog } from "../../shared/log.ts";
import { pieceBytes } from "../../shared/object-piece.ts";
import { traceIdOf } from "../../shared/request-id.ts";
import {
  batchHandler,
  createInProcessClient,
  defineService,
  type FrameSink,
  type HandlersOf,
  type Init,
  type ServiceClient,
  type StreamCall,
  streamHandler,
  unaryHandler,
} from "../../shared/rpc/index.ts";
import { createTestTelemetry } from "../../shared/telemetry/testing.ts";
import { rootSpanId } from "../../shared/telemetry/tracing.ts";
import { envToConfig, type JobsConfig } from "./config.ts";
import { startJobs } from "./server.ts";

/** What a vendor answers to a step: a report, an error of the provider's, or never. */
export type Answer =
  | Partial<JobReport>
  | { readonly error: ErrorCode; readonly httpStatus?: number; readonly retryAfterMs?: number }
  | "lost"
  | "channel removed";

/** How an upstream answers a call: pieces, then how it ends; "lost": the provider is lost in the middle. */
export interface CallAnswer {
  readonly pieces: readonly Uint8Array[];
  readonly type?: string;
  readonly error?: ErrorCode | "lost";
  /** What the record is to have in place of the answer. */
  readonly document?: string;
  /** Waited for before the end. */
  readonly until?: Promise<void>;
}

/** A vendor, and the two services that hear of ends; what they were told is kept over restarts of jobs. */
export interface World {
  /** Answers a step; `count` is how often this step was asked of this job, from 1 on. */
  vendor: (action: "start" | "poll" | "cancel", count: number, requestId: bigint) => Answer | Promise<Answer>;
  /** Answers a call; `form` is what came of its form. */
  upstream: (count: number, requestId: bigint, form: Buffer) => CallAnswer | Promise<CallAnswer>;
  /** Answers a question after several jobs; what it leaves out its vendor does not name. */
  together: (requestIds: readonly bigint[]) => readonly Partial<JobReport>[] | Answer;
  /** Questions after several jobs that were asked, each with its jobs. */
  readonly askedTogether: (readonly bigint[])[];
  /** When each question was asked, Unix milliseconds. */
  readonly askedAtMs: number[];
  /** Gives a result; `count` is how often it was asked for. */
  content: (count: number, requestId: bigint) => CallAnswer | Promise<CallAnswer>;
  /** Calls that were told to stop. */
  readonly stopped: Set<bigint>;
  /** Thrown, if it throws, before (true) or after (false) billing or history has taken a call. */
  fault: (service: "settle" | "record", before: boolean) => void;
  readonly asked: Map<string, number>;
  readonly settled: Map<bigint, SettleItem>;
  /** Calls of settle that were taken, and the request of each. */
  readonly settleCalls: SettleItem[];
  readonly settledIds: bigint[];
  readonly recorded: HistoryRecord[];
  readonly extended: Set<bigint>;
  /** What was asked of billing for lines of batches that began together. */
  readonly splits: (readonly bigint[])[];
  /** False: billing holds nothing for batches any more. */
  isHeld: boolean;
  /** Requests that reserved by themselves. */
  readonly reserved: Set<bigint>;
  /** Contexts of traces with which steps of jobs were asked for, by request. */
  readonly contexts: Map<bigint, string[]>;
  /** Where vendors were told to call, by request. */
  readonly callbackUrls: Map<bigint, string>;
  /** What routing says of channels: whether the breaker of each is open. */
  channels: Readonly<Record<string, boolean>>;
  /** What billing says of budgets. */
  budgets: readonly MessageInitShape<typeof BudgetUseSchema>[];
}

/** Creates one whose vendor does a job at once. */
export function createWorld(): World {
  return {
    vendor: (action) => (action === "start" ? { state: "queueing" } : { state: "succeeded", seconds: 4 }),
    upstream: () => ({ pieces: [Buffer.from('{"data":[]}')] }),
    together: () => [],
    askedTogether: [],
    askedAtMs: [],
    content: () => ({ pieces: [Buffer.from("a video")] }),
    stopped: new Set(),
    fault: () => undefined,
    asked: new Map(),
    settled: new Map(),
    settleCalls: [],
    settledIds: [],
    recorded: [],
    extended: new Set(),
    splits: [],
    isHeld: true,
    reserved: new Set(),
    contexts: new Map(),
    callbackUrls: new Map(),
    channels: {},
    budgets: [],
  };
}

const actionOf: Readonly<Partial<Record<JobAction, "start" | "poll" | "cancel">>> = {
  [JobAction.START]: "start",
  [JobAction.POLL]: "poll",
  [JobAction.CANCEL]: "cancel",
};

/** Webhooks of tests: they may go to this machine, and their waits are short. */
export const testWebhooks = {
  allow: ["127.0.0.1"],
  timeoutMs: 400,
  waitsMs: [10, 10, 20, 20, 30, 30],
  budgetsEveryMs: 30,
  channelsEveryMs: 30,
  channelOutAfterMs: 150,
  channelBackAfterMs: 150,
} as const;

/** Starts jobs in a world. */
export async function startTestJobs(url: string, world: World, config: Partial<JobsConfig> = {}) {
  const telemetry = createTestTelemetry();
  const provider = createInProcessClient(
    stub(ProviderService, {
      invoke: streamHandler<InvokeItem, Frame, Outcome>(async (call, out) => {
        const { item, requestId } = call;
        world.contexts.set(requestId, [...(world.contexts.get(requestId) ?? []), call.traceparent]);
        if (item.job === undefined) return answerCall(world, call, out);
        if (item.job.action === JobAction.CONTENT) return giveContent(world, requestId, out);
        const action = actionOf[item.job?.action ?? JobAction.UNSPECIFIED] ?? "poll";
        const key = `${action} ${requestId}`;
        const count = (world.asked.get(key) ?? 0) + 1;
        world.asked.set(key, count);
        if (action === "start") world.callbackUrls.set(requestId, item.job?.callbackUrl ?? "");
        if (action === "poll") world.askedAtMs.push(Date.now());
        if (item.job.others.length > 0) return answerTogether(world, item.job, out);
        const answer = await world.vendor(action, count, requestId);
        const refused = refusalOf(answer);
        if (refused !== undefined || typeof answer === "string") return refused ?? {};
        const report: JobReport = {
          vendorJobId: `vendor-${requestId}`,
          state: "processing",
          word: "",
          progressPercent: 0,
          ...answer,
        };
        out.write({ data: writeJobReport(report), head: { contentType: "application/json", channel: "stub" } });
        if (action !== "start") return { firstByte: true };
        return { usage: { more: [{ unit: Unit.OUTPUT_VIDEO_MS, amount: 4_000n }], estimated: true }, firstByte: true };
      }),
    }),
  );
  const billing = createInProcessClient(
    stub(BillingService, {
      settle: batchHandler<SettleItem, Settlement>(async (calls) =>
        calls.map(({ item, requestId }) => {
          world.fault("settle", true);
          world.settleCalls.push(item);
          world.settledIds.push(requestId);
          const repeatedCall = world.settled.has(requestId);
          if (!repeatedCall) world.settled.set(requestId, item);
          world.fault("settle", false);
          return { reservedNanoUsd: 10n, billedNanoUsd: 5n, reason: "usage", repeatedCall };
        }),
      ),
      listBudgetUse: unaryHandler(async ({ accountIds }: ListBudgetUseRequest) => ({
        budgets: world.budgets.filter(({ accountId = 0n }) => accountIds.includes(accountId)),
      })),
      splitReservation: unaryHandler(async ({ parts }: SplitReservationRequest) => {
        const ids = parts.map(({ requestId }) => requestId);
        world.splits.push(ids);
        return { unheldRequestIds: world.isHeld ? [] : ids };
      }),
      reserve: batchHandler<ReserveItem, Reservation>(async (calls) =>
        calls.map(({ requestId, item }) => {
          world.reserved.add(requestId);
          return { reservedNanoUsd: item.amountNanoUsd };
        }),
      ),
      extend: unaryHandler(async ({ requestIds }: ExtendRequest) => {
        for (const id of requestIds) world.extended.add(id);
        return {};
      }),
    }),
  );
  const history = createInProcessClient(
    stub(HistoryService, {
      record: batchHandler<RecordItem, Recorded>(async (calls) =>
        calls.map(({ item: { record } }) => {
          world.fault("record", true);
          if (record !== undefined) world.recorded.push(record);
          world.fault("record", false);
          return {};
        }),
      ),
    }),
  );
  const routing = createInProcessClient(
    stub(RoutingService, {
      listChannels: unaryHandler(async () => ({
        channels: Object.keys(world.channels).map((name) => ({ name, platform: "stub", enabled: true })),
        health: Object.entries(world.channels).map(([channel, open]) => ({ channel, open })),
      })),
    }),
  );
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
      ...{ provider, billing, history, routing },
    },
  );
  const client = createInProcessClient(service.definition);
  return {
    client,
    spans: () => telemetry.spans(),
    async stop() {
      await client.close();
      await service.stop();
      await Promise.all([provider.close(), billing.close(), history.close(), routing.close()]);
      await telemetry.shutdown();
    },
  };
}

/** What a provider says where a vendor gives no report. Throws where the provider is lost. */
function refusalOf(answer: Answer | readonly Partial<JobReport>[]): Init<Outcome> | undefined {
  if (answer === "lost") throw new ThroughlineError("service_unavailable", "The provider was lost.");
  const removed = { code: "service_unavailable" as const, jobLost: true };
  const { code, jobLost } =
    answer === "channel removed" ? removed : { code: "error" in answer ? answer.error : undefined, jobLost: false };
  if (code === undefined) return undefined;
  const { httpStatus = 0, retryAfterMs } = typeof answer === "object" && "error" in answer ? answer : {};
  const error = create(ErrorSchema, toWireError(new ThroughlineError(code, "The vendor said no.", { retryAfterMs })));
  return { error, jobLost, attempts: [{ httpStatus }] };
}

const requestIn = (vendorJobId: string): bigint => BigInt(vendorJobId.replace("vendor-", ""));

function answerTogether(world: World, step: JobStep, out: FrameSink<Frame>): Init<Outcome> {
  const ids = [step, ...step.others].map(({ vendorJobId }) => requestIn(vendorJobId));
  world.askedTogether.push(ids);
  const answer = world.together(ids);
  const refused = refusalOf(answer);
  if (refused !== undefined) return refused;
  const base = { state: "processing" as const, word: "", progressPercent: 0 };
  const reports = (Array.isArray(answer) ? answer : []).map((one) => ({ vendorJobId: "vendor-0", ...base, ...one }));
  out.write({ data: writeJobReports(reports), head: { contentType: "application/json", channel: "stub" } });
  return { firstByte: true };
}

/** Answers a call as the world's upstream does. */
async function giveContent(world: World, requestId: bigint, out: FrameSink<Frame>): Promise<Init<Outcome>> {
  const key = `content ${requestId}`;
  const count = (world.asked.get(key) ?? 0) + 1;
  world.asked.set(key, count);
  const { pieces, type = "video/mp4", error } = await world.content(count, requestId);
  for (const [index, data] of pieces.entries()) {
    out.write(index > 0 ? { data } : { data, head: { contentType: type, channel: "stub" } });
  }
  if (error === undefined || error === "lost") return { firstByte: true };
  return { error: create(ErrorSchema, toWireError(new ThroughlineError(error, "The vendor said no."))) };
}

async function answerCall(world: World, call: StreamCall<InvokeItem>, out: FrameSink<Frame>): Promise<Init<Outcome>> {
  const { requestId, body } = call;
  const key = `call ${requestId}`;
  const count = (world.asked.get(key) ?? 0) + 1;
  world.asked.set(key, count);
  const form: Uint8Array[] = [];
  if (body !== undefined) for await (const piece of body.from(0)) form.push(piece);
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  let cancelled = false;
  call.onStop(() => {
    cancelled = true;
    world.stopped.add(requestId);
    resolve();
  });
  const answer = await world.upstream(count, requestId, Buffer.concat(form));
  for (const [index, data] of answer.pieces.entries()) {
    out.write({
      data,
      ...(index > 0
        ? {}
        : {
            head: {
              contentType: answer.type ?? "application/json",
              channel: "stub",
              attemptId: requestId * 10n + BigInt(count),
            },
          }),
    });
  }
  await Promise.race([answer.until, stopped]);
  if (answer.error === "lost") throw new ThroughlineError("service_unavailable", "The provider was lost.");
  const error =
    answer.error === undefined
      ? {}
      : { error: create(ErrorSchema, toWireError(new ThroughlineError(answer.error, "No."))) };
  return {
    ...error,
    cancelled,
    firstByte: answer.pieces.length > 0,
    usage: { inputTokens: 3n, outputTokens: 5n },
    response: Buffer.from(answer.document ?? ""),
  };
}

function stub<S extends Parameters<typeof defineService>[0]>(desc: S, handlers: Partial<HandlersOf<S>>) {
  const all: Record<string, unknown> = {};
  for (const method of desc.methods) {
    const missing = () => Promise.reject(new Error(`there is no stub for ${method.name}`));
    all[method.localName] = method.methodKind === "unary" ? unaryHandler(missing) : batchHandler(missing);
  }
  return defineService(desc, { ...all, ...handlers } as HandlersOf<S>);
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
