import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { readable } from "../../shared/closing/testing.ts";
import { envelope } from "../../shared/errors/envelope.ts";
import type { ThroughlineError } from "../../shared/errors/error.ts";
import { fromWireError } from "../../shared/errors/wire.ts";
import type { SettleItem } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import {
  CandidateSchema,
  Module,
  type PricingSchema,
  StoreResponse,
} from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Record as HistoryRecord, RecordItem } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type {
  Outcome,
  ProviderService,
  RequestFactsSchema,
} from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import {
  ChannelSchema,
  type ReportHealthRequest,
  type ReportListingRequest,
  type RoutingService,
} from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { Log } from "../../shared/log.ts";
import type { OutboundAccess } from "../../shared/outbound/guard.ts";
import { createRequestIdSource } from "../../shared/request-id.ts";
import { createInProcessServer, type ServiceClient } from "../../shared/rpc/index.ts";
import { createTestTelemetry, type TestTelemetry } from "../../shared/telemetry/testing.ts";
import { envToConfig, type ProviderConfig } from "./config.ts";
import type { LostGatewayDeps } from "./lost-gateways/lost-gateways.ts";
import { startProvider } from "./server.ts";

/** A channel of a test. */
export interface TestChannel {
  readonly adapter: string;
  readonly baseUrl: string;
  readonly flavour?: object;
  readonly credential?: string;
  /** Several, instead of `credential`. */
  readonly credentials?: readonly string[];
  readonly connectTimeoutMs?: number;
  readonly headersTimeoutMs?: number;
  readonly firstTokenTimeoutMs?: number;
  readonly chunkTimeoutMs?: number;
  readonly bodyTimeoutMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What one invocation came to. */
export interface Invoked {
  /** Everything that the client was given. */
  readonly text: string;
  readonly bytes: Buffer;
  readonly outcome: Outcome;
  readonly error: ThroughlineError | undefined;
  readonly contentType: string;
}

/** One invocation of a test. */
export interface Invocation {
  readonly dialect: string;
  readonly body: object | Uint8Array;
  /** Channels in order, each with the model sent upstream. */
  readonly candidates: readonly { channel: string; model: string; prices?: MessageInitShape<typeof PricingSchema> }[];
  readonly control?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** `cancel` is what the gateway does when its client leaves. */
  readonly onFrame?: (data: Uint8Array, cancel: () => void) => void;
  /** Given: the provider settles the request where its gateway does not acknowledge it. */
  readonly facts?: MessageInitShape<typeof RequestFactsSchema>;
  /** What the gateway does with the outcome. Default: it acknowledges. */
  readonly onOutcome?: "acknowledges" | "owes";
}

/** A provider over channels of the test, called in process over real sockets to its upstreams. */
export interface TestProvider extends AsyncDisposable {
  readonly client: ServiceClient<typeof ProviderService>;
  readonly telemetry: TestTelemetry;
  invoke(invocation: Invocation): Promise<Invoked>;
  /** Leased once, so a test may name the ID that it sends. */
  nextId(): bigint;
  /** What routing was told of the channels' health, oldest first. */
  readonly reports: readonly ReportHealthRequest[];
  /** What routing is told of the first list that was claimed. */
  readonly listing: Promise<Pick<ReportListingRequest, "models" | "failure">>;
  /** What billing was told in place of a lost gateway; it always answers 7 nano-USD. */
  readonly settled: readonly SettleItem[];
  /** What history was told likewise. */
  readonly recorded: readonly HistoryRecord[];
  /** Cuts the lanes of the gateway, as its death does. */
  loseGateway(): Promise<void>;
}

/** Options of `startTestProvider`. */
export interface TestProviderOptions {
  /** Environment of the provider. */
  readonly env?: Readonly<Record<string, string>>;
  /** Parts of the configuration that the environment does not give. */
  readonly config?: Partial<ProviderConfig>;
  readonly imageAccess?: OutboundAccess;
  /** Channels that routing tells no more; their credentials are where they were. */
  readonly removed?: readonly string[];
  /** Channels whose lists routing says are due, once. */
  readonly claims?: readonly string[];
  /** Hears the warnings that it logs. */
  readonly onWarn?: (line: Readonly<Record<string, unknown>>, message: string) => void;
}

const quiet = () => undefined;
const silentLog = {
  debug: quiet,
  info: quiet,
  warn: quiet,
  error: quiet,
  fatal: quiet,
  trace: quiet,
} as unknown as Log;

/** Starts a provider. Its routing knows these channels and nothing else. */
export async function startTestProvider(
  channels: Readonly<Record<string, TestChannel>>,
  options: TestProviderOptions = {},
): Promise<TestProvider> {
  const ids = createRequestIdSource();
  const nowMs = Date.now();
  ids.setLease({ node: 1, validFromMs: nowMs - 60_000, validUntilMs: nowMs + 3_600_000 });
  const known = Object.entries(channels).map(([name, channel]) =>
    create(ChannelSchema, {
      name,
      adapter: channel.adapter,
      platform: name,
      baseUrl: channel.baseUrl,
      credentials: secretsOf(name, channel).map((_, i) => ({
        source: { case: "env" as const, value: keyOf(name, i) },
      })),
      connectTimeoutMs: channel.connectTimeoutMs ?? 0,
      headersTimeoutMs: channel.headersTimeoutMs ?? 0,
      firstTokenTimeoutMs: channel.firstTokenTimeoutMs ?? 0,
      chunkTimeoutMs: channel.chunkTimeoutMs ?? 0,
      bodyTimeoutMs: channel.bodyTimeoutMs ?? 0,
      headers: { ...channel.headers },
      flavourJson: JSON.stringify(channel.flavour ?? {}),
      enabled: true,
    }),
  );
  const env = Object.fromEntries(
    Object.entries(channels).flatMap(([name, channel]) =>
      secretsOf(name, channel).map((secret, i) => [keyOf(name, i), secret]),
    ),
  );
  const reports: ReportHealthRequest[] = [];
  const claims = [...(options.claims ?? [])];
  const listing = Promise.withResolvers<Pick<ReportListingRequest, "models" | "failure">>();
  const routing = {
    getChannels: async ({ knownVersion }: { knownVersion: bigint }) =>
      knownVersion === 1n
        ? { version: 1n, unchanged: true, channels: [] }
        : {
            version: 1n,
            unchanged: false,
            channels: known.filter(({ name }) => options.removed?.includes(name) !== true),
          },
    claimListings: async () => ({ channels: claims.splice(0), againMs: 30_000 }),
    async reportListing({ models = [], failure = "" }: Partial<ReportListingRequest>) {
      listing.resolve({ models, failure });
      return {};
    },
    async reportHealth(report: ReportHealthRequest) {
      reports.push(report);
      return {};
    },
  } as unknown as ServiceClient<typeof RoutingService>;
  const settled: SettleItem[] = [];
  const recorded: HistoryRecord[] = [];
  const billing = {
    settle: {
      call: async (item: SettleItem) => {
        settled.push(item);
        return { billedNanoUsd: 7n, reason: "told by billing" };
      },
    },
  } as unknown as LostGatewayDeps["billing"];
  const history = {
    record: {
      async call({ record }: RecordItem) {
        if (record !== undefined) recorded.push(readable(record));
        return {};
      },
    },
  } as unknown as LostGatewayDeps["history"];
  const telemetry = createTestTelemetry();
  const service = await startProvider(
    { ...envToConfig(options.env ?? {}), ...options.config },
    {
      log: options.onWarn === undefined ? silentLog : { ...silentLog, warn: options.onWarn as Log["warn"] },
      tracing: telemetry.tracer("provider"),
      metrics: telemetry.metrics,
      routing,
      billing,
      history,
      ids,
      env,
      ...(options.imageAccess === undefined ? {} : { imageAccess: options.imageAccess }),
    },
  );
  const server = createInProcessServer(service.definition);
  const client = server.client();
  return {
    client,
    telemetry,
    nextId: () => ids.next(),
    reports,
    listing: listing.promise,
    settled,
    recorded,
    loseGateway: () => server.close(0),
    invoke: (invocation) => invoke(client, ids.next(), invocation),
    async [Symbol.asyncDispose]() {
      await client.close();
      await service.stop();
      await telemetry.shutdown();
    },
  };
}

/** The variable of a channel's credential: what a name of a channel has and a variable's does not is spelt in numbers. */
function keyOf(name: string, i: number): string {
  return `KEY_${i}_OF_${name.replace(/\W/g, (letter) => `_${letter.charCodeAt(0)}_`)}`;
}

function secretsOf(name: string, { credential, credentials }: TestChannel): readonly string[] {
  return credentials ?? [credential ?? `secret-of-${name}`];
}

async function invoke(
  client: ServiceClient<typeof ProviderService>,
  requestId: bigint,
  { dialect, body, candidates, control, headers, onFrame, facts, onOutcome }: Invocation,
): Promise<Invoked> {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
  const given = JSON.parse(Buffer.from(bytes).toString()) as {
    model?: string;
    stream?: boolean;
    stream_options?: { include_usage?: boolean };
  };
  const stream = client.invoke.open(
    {
      dialect,
      module: Module.CHAT,
      model: given.model ?? "",
      control: control ?? "",
      stream: given.stream === true,
      includeUsage: given.stream_options?.include_usage === true,
      candidates: candidates.map(({ channel, model, prices }) =>
        create(CandidateSchema, {
          channel,
          platform: channel,
          upstreamModel: model,
          ...(prices === undefined ? {} : { pricing: prices }),
        }),
      ),
      body: bytes,
      headers: { ...headers },
      createdUnixS: 1_700_000_000n,
      storeResponse: StoreResponse.FULL,
      ...(facts === undefined ? {} : { facts }),
    },
    { requestId, timeoutMs: 20_000, acknowledges: facts !== undefined },
  );
  const parts: Uint8Array[] = [];
  let contentType = "";
  for await (const frame of stream) {
    contentType ||= frame.head?.contentType ?? "";
    parts.push(frame.data);
    onFrame?.(frame.data, () => stream.cancel());
  }
  const outcome = await stream.outcome;
  if (onOutcome !== "owes") stream.acknowledgement.give();
  const error = outcome.error === undefined ? undefined : fromWireError(outcome.error);
  const all = Buffer.concat(parts);
  return { text: all.toString(), bytes: all, outcome, error, contentType };
}

/** The in-band error of a stream that has begun, as the edge writes it. */
export function inBandError(dialect: string, error: ThroughlineError, requestId: string): string {
  const data = `data: ${JSON.stringify(envelope(error, requestId))}\n\n`;
  return dialect === "openai.chat" || dialect === "openai.completions" ? data : `event: error\n${data}`;
}
