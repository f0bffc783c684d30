import { create } from "@bufbuild/protobuf";
import type { ErrorCode } from "../../shared/errors/catalogue.ts";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { toWireError } from "../../shared/errors/wire.ts";
import {
  BillingService,
  type ExtendRequest,
  type SettleItem,
  type Settlement,
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
  type Outcome,
  ProviderService,
} from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { type JobReport, writeJobReport } from "../../shared/job-report.ts";
import { createLog } from "../../shared/log.ts";
import {
  batchHandler,
  createInProcessClient,
  defineService,
  type HandlersOf,
  type ServiceClient,
  streamHandler,
  unaryHandler,
} from "../../shared/rpc/index.ts";
import { createTestTelemetry } from "../../shared/telemetry/testing.ts";
import { envToConfig, type JobsConfig } from "./config.ts";
import { startJobs } from "./server.ts";

/** What a vendor answers to a step: a report, an error of the provider's, or never. */
export type Answer = Partial<JobReport> | { readonly error: ErrorCode } | "lost";

/** A vendor, and the two services that hear of ends; what they were told is kept over restarts of jobs. */
export interface World {
  /** Answers a step; `count` is how often this step was asked of this job, from 1 on. */
  vendor: (action: "start" | "poll" | "cancel", count: number, requestId: bigint) => Answer | Promise<Answer>;
  /** Thrown, if it throws, before (true) or after (false) billing or history has taken a call. */
  fault: (service: "settle" | "record", before: boolean) => void;
  readonly asked: Map<string, number>;
  readonly settled: Map<bigint, SettleItem>;
  /** Calls of settle that were taken, and the request of each. */
  readonly settleCalls: SettleItem[];
  readonly settledIds: bigint[];
  readonly recorded: HistoryRecord[];
  readonly extended: Set<bigint>;
}

/** Creates one whose vendor does a job at once. */
export function createWorld(): World {
  return {
    vendor: (action) => (action === "start" ? { state: "queueing" } : { state: "succeeded", seconds: 4 }),
    fault: () => undefined,
    asked: new Map(),
    settled: new Map(),
    settleCalls: [],
    settledIds: [],
    recorded: [],
    extended: new Set(),
  };
}

const actionOf: Readonly<Partial<Record<JobAction, "start" | "poll" | "cancel">>> = {
  [JobAction.START]: "start",
  [JobAction.POLL]: "poll",
  [JobAction.CANCEL]: "cancel",
};

/** Starts jobs in a world. */
export async function startTestJobs(url: string, world: World, config: Partial<JobsConfig> = {}) {
  const telemetry = createTestTelemetry();
  const provider = createInProcessClient(
    stub(ProviderService, {
      invoke: streamHandler<InvokeItem, Frame, Outcome>(async ({ item, requestId }, out) => {
        const action = actionOf[item.job?.action ?? JobAction.UNSPECIFIED] ?? "poll";
        const key = `${action} ${requestId}`;
        const count = (world.asked.get(key) ?? 0) + 1;
        world.asked.set(key, count);
        const answer = await world.vendor(action, count, requestId);
        if (answer === "lost") throw new ThroughlineError("service_unavailable", "The provider was lost.");
        if ("error" in answer && answer.error !== undefined) {
          return { error: create(ErrorSchema, toWireError(new ThroughlineError(answer.error, "The vendor said no."))) };
        }
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
  const service = await startJobs(
    { ...envToConfig({ DATABASE_URL: url, JOBS_FIRST_POLL: "10ms", JOBS_MAX_POLL: "20ms" }), ...config },
    {
      log: createLog({ service: "jobs", level: "silent" }),
      tracing: telemetry.tracer("jobs"),
      metrics: telemetry.metrics,
      ...{ provider, billing, history },
    },
  );
  const client = createInProcessClient(service.definition);
  return {
    client,
    async stop() {
      await client.close();
      await service.stop();
      await Promise.all([provider.close(), billing.close(), history.close()]);
      await telemetry.shutdown();
    },
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

/** Begins a job. */
export async function beginTestJob(
  client: ServiceClient<typeof JobsService>,
  { lifeMs = 60_000, requestId = ++lastId }: { lifeMs?: number; requestId?: bigint } = {},
): Promise<Job> {
  const { job } = await client.createJob(
    {
      requestId,
      lifeMs: BigInt(lifeMs),
      view: Buffer.from("{}"),
      item: {
        dialect: "openai.videos",
        module: Module.VIDEO,
        model: "video",
        body: Buffer.from('{"prompt":"a cat"}'),
        candidates: [{ channel: "stub", platform: "stub", upstreamModel: "video", pricing: { strategy: "s" } }],
        facts: { ...owner, keyId: 3n, model: "video", createdUnixUs: BigInt(Date.now()) * 1_000n },
      },
    },
    { requestId, timeoutMs: 20_000 },
  );
  if (job === undefined) throw new Error("no job came");
  return job;
}
