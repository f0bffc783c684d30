import { createHash } from "node:crypto";
import { create, type DescService, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { readable } from "../shared/closing/testing.ts";
import { ThroughlineError } from "../shared/errors/error.ts";
import {
  type AdministrationEvent,
  type AuthenticateItem,
  BillingService,
  KeyKind,
  type Principal,
  PrincipalSchema,
  type RecordAdministrationRequest,
  type Reservation,
  type ReserveItem,
  type SettleItem,
  type Settlement,
} from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import { type CandidateSchema, PriceSource } from "../shared/gen/throughline/common/v1/common_pb.ts";
import {
  type Record as HistoryRecord,
  HistoryService,
  type Recorded,
  type RecordItem,
} from "../shared/gen/throughline/history/v1/history_pb.ts";
import { type GetJobRequest, type GetJobResponse, JobsService } from "../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import {
  type Frame,
  type FrameSchema,
  type InvokeItem,
  type Outcome,
  ProviderService,
} from "../shared/gen/throughline/provider/v1/provider_pb.ts";
import { type ResolveItem, type Route, RoutingService } from "../shared/gen/throughline/routing/v1/routing_pb.ts";
import { createLog } from "../shared/log.ts";
import { serveMetrics } from "../shared/metrics-server.ts";
import { createRequestIdSource, type RequestIdSource } from "../shared/request-id.ts";
import {
  type BatchAnswer,
  batchHandler,
  createInProcessClient,
  defineService,
  type FrameSink,
  type HandlersOf,
  type LaneHandler,
  type ServiceDefinition,
  streamHandler,
  unaryHandler,
} from "../shared/rpc/index.ts";
import { createTestTelemetry } from "../shared/telemetry/testing.ts";
import { envToConfig, type GatewayConfig } from "./config.ts";
import { startGateway } from "./server.ts";

/** What the stub services of a test answer where the usual answer will not do. */
export interface Stubs {
  readonly routing?: Partial<HandlersOf<typeof RoutingService>>;
  readonly billing?: Partial<HandlersOf<typeof BillingService>>;
  readonly provider?: Partial<HandlersOf<typeof ProviderService>>;
  readonly history?: Partial<HandlersOf<typeof HistoryService>>;
  readonly jobs?: Partial<HandlersOf<typeof JobsService>>;
}

/** A gateway on a port of its own, the real edge, with services that are stubs in this process. */
export interface TestGateway extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly metricsPort: number | undefined;
  readonly ids: RequestIdSource;
  /** The lines of its log. */
  readonly lines: Record<string, unknown>[];
  /** What routing was asked. */
  readonly resolved: ResolveItem[];
  /** What billing was told at the end. */
  readonly settled: SettleItem[];
  /** What the trail of administration was told. */
  readonly administered: AdministrationEvent[];
  /** What history was told. */
  readonly recorded: HistoryRecord[];
  /** Calls it; a body is sent as JSON, with the key of `apiKey` unless the headers say otherwise. */
  call(path: string, body?: unknown, options?: RequestInit): Promise<Response>;
}

/** Secrets of the keys that the stub of billing knows, by kind. */
export const secrets = {
  api: "tl-test-api-0123456789",
  server: "tl-test-server-0123456789",
  user: "tl-test-user-0123456789",
  cli: "tl-test-cli-0123456789",
  narrow: "tl-test-narrow-0123456789",
};

/** The principals behind the secrets. `narrow`: may only embed, and only "gpt-4o". */
export const principals: Readonly<Record<keyof typeof secrets, Principal>> = {
  api: principal({ kind: KeyKind.API, keyId: 11n }),
  server: principal({ kind: KeyKind.SERVER, keyId: 12n }),
  user: principal({ kind: KeyKind.USER, keyId: 13n, userId: "user-7" }),
  cli: principal({ kind: KeyKind.CLI, keyId: 14n, scopes: ["admin.read", "admin.write"], operator: true }),
  narrow: principal({ kind: KeyKind.API, keyId: 15n, scopes: ["embeddings"], allowedModels: ["gpt-4o"] }),
};

function principal(given: MessageInitShape<typeof PrincipalSchema>): Principal {
  return create(PrincipalSchema, { accountId: 1n, group: "default", scopes: ["*"], keyPrefix: "tl-test", ...given });
}

/** One candidate: $1 per million tokens each way. */
export const candidate: MessageInitShape<typeof CandidateSchema> = {
  channel: "stub",
  platform: "stub",
  upstreamModel: "stub-model",
  pricing: {
    strategy: "test",
    inputNanoUsdPerMtok: 1_000_000_000n,
    outputNanoUsdPerMtok: 1_000_000_000n,
    groupRatioPpm: 1_000_000,
    source: PriceSource.STRATEGY,
  },
};

/** Answers an invocation with these frames and a plain outcome. */
export function answering(...frames: readonly string[]) {
  return streamHandler<InvokeItem, Frame, Outcome>(async (_call, out) => {
    writeFrames(out, frames);
    return { usage: { inputTokens: 3n, outputTokens: 2n }, finishReason: "stop", firstByte: true };
  });
}

/** Writes frames, the first with a head. */
export function writeFrames(out: FrameSink<Frame>, frames: readonly string[], contentType = "application/json"): void {
  for (const [index, text] of frames.entries()) {
    const frame: MessageInitShape<typeof FrameSchema> = { data: Buffer.from(text) };
    out.write(index === 0 ? { ...frame, head: { contentType, channel: "stub", upstreamRequestId: "up-1" } } : frame);
  }
}

const noJob = unaryHandler<GetJobRequest, GetJobResponse>(() =>
  Promise.reject(new ThroughlineError("not_found", "There is no such job.")),
);

/** Starts a gateway. */
export async function startTestGateway(stubs: Stubs = {}, config: Partial<GatewayConfig> = {}): Promise<TestGateway> {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ service: "gateway", destination: { write: (line) => lines.push(JSON.parse(line)) } });
  const ids = createRequestIdSource();
  const nowMs = Date.now();
  ids.setLease({ node: 5, validFromMs: nowMs, validUntilMs: nowMs + 600_000 });
  const seen = { resolved: [] as ResolveItem[], settled: [] as SettleItem[] };
  const recorded: HistoryRecord[] = [];
  const administered: AdministrationEvent[] = [];
  const telemetry = createTestTelemetry();

  const routing = service(RoutingService, {
    resolve: each<ResolveItem, Route>((item) => {
      seen.resolved.push(item);
      return { model: item.model, candidates: [candidate], contextWindowTokens: 128_000n, maxOutputTokens: 4_096n };
    }),
    listConfigurationChanges: unaryHandler(async () => ({})),
    ...stubs.routing,
  });
  const billing = service(BillingService, {
    authenticate: each<AuthenticateItem, Principal>(({ secretSha256 }) => whose(secretSha256)),
    reserve: each<ReserveItem, Reservation>(() => ({ reservedNanoUsd: 1_000n })),
    settle: each<SettleItem, Settlement>((item) => {
      seen.settled.push(item);
      return { reservedNanoUsd: 1_000n, billedNanoUsd: 5n, reason: "usage" };
    }),
    recordAdministration: unaryHandler(async ({ event }: RecordAdministrationRequest) => {
      if (event !== undefined) administered.push(event);
      return {};
    }),
    ...stubs.billing,
  });
  const provider = service(ProviderService, { invoke: answering('{"ok":true}'), ...stubs.provider });
  const history = service(HistoryService, {
    record: each<RecordItem, Recorded>(({ record }) => {
      if (record !== undefined) recorded.push(readable(record));
      return {};
    }),
    ...stubs.history,
  });
  const clients = {
    routing: createInProcessClient(routing),
    billing: createInProcessClient(billing),
    provider: createInProcessClient(provider),
    history: createInProcessClient(history),
    jobs: createInProcessClient(service(JobsService, { getJob: noJob, ...stubs.jobs })),
  };
  const watched = config.metricsPort === undefined ? undefined : await serveMetrics(config.metricsPort, telemetry);
  const gateway = await startGateway(
    // On a busy machine every request would run long enough to be shown while it runs.
    { ...envToConfig({ PORT: "0", SHUTDOWN_GRACE_MS: "200" }), processingAfterMs: 60_000, ...config },
    {
      ...clients,
      log,
      ids,
      tracing: telemetry.tracer("gateway"),
      metrics: telemetry.metrics,
      metricsFor: (accept) => telemetry.metricsFor(accept),
      watched,
      standing: async () => ({ missing: [], away: [] }),
    },
  );
  const port = Number(new URL(gateway.url).port);
  return {
    url: gateway.url,
    port,
    metricsPort: watched?.port,
    ids,
    lines,
    ...seen,
    recorded,
    administered,
    call: (path, body, { headers, ...options } = {}) =>
      fetch(`${gateway.url}${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: {
          authorization: `Bearer ${secrets.api}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
        ...options,
      }),
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await watched?.stop();
      await Promise.all(Object.values(clients).map((client) => client.close()));
      await telemetry.shutdown();
    },
  };
}

/** A lane that answers each item by itself. */
export function each<I extends Message, O extends Message>(answer: (item: I) => BatchAnswer<O>): LaneHandler<I, O> {
  return batchHandler<I, O>(async (calls) =>
    calls.map(({ item }) => {
      try {
        return answer(item);
      } catch (error) {
        return ThroughlineError.from(error);
      }
    }),
  );
}

/** A service of which only some methods are stubbed: the others fail, naming themselves. */
function service<S extends DescService>(desc: S, handlers: Partial<HandlersOf<S>>): ServiceDefinition<S> {
  const missing = (name: string) => new Error(`the test has no stub for ${desc.name}.${name}`);
  const all: Record<string, unknown> = {};
  for (const method of desc.methods) {
    const failing = () => Promise.reject(missing(method.localName));
    all[method.localName] = method.methodKind === "unary" ? unaryHandler(failing) : batchHandler(failing);
  }
  return defineService(desc, { ...all, ...handlers } as HandlersOf<S>);
}

function whose(secretSha256: Uint8Array): Principal {
  for (const kind of Object.keys(secrets) as (keyof typeof secrets)[]) {
    if (createHash("sha256").update(secrets[kind]).digest().equals(secretSha256)) return principals[kind];
  }
  throw new ThroughlineError("invalid_api_key", "The API key is unknown.");
}
