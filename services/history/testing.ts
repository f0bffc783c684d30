import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { testPostgres } from "../../shared/db/testing.ts";
import { RecordSchema, RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { createLog } from "../../shared/log.ts";
import { toParts } from "../../shared/request-id.ts";
import { createInProcessClient } from "../../shared/rpc/index.ts";
import { createTelemetry, telemetryConfig } from "../../shared/telemetry/index.ts";
import { envToConfig, type HistoryConfig } from "./config.ts";
import type { HistoryContext, HistoryDeps } from "./context.ts";
import { startHistory } from "./server.ts";

/** The example of the history API's document: its ID, the moment in it, and its attempt. */
export const example = {
  requestId: 767212140985061376n,
  attemptId: 767212180373770240n,
  createdUnixUs: 1_745_807_228_523_175n,
  updatedUnixUs: 1_752_228_342_662_160n,
} as const;

/** The account and key that records of the tests belong to unless they say otherwise. */
export const account = 7n;
export const key = 70n;

/** Records of tests are of any time: nothing goes by its age where a test does not ask for it. */
const keepsAll = { retentionMs: 0, payloadRetentionMs: 0, requestRetentionMs: 0 };

/** Sums over time are one page on a slow machine too. */
const wholeSeriesMs = 60_000;

/** Starts history on a fresh database, with a client in the same process. */
export async function startTestHistory({
  config = {},
  deps = {},
  context = {},
  url,
}: {
  config?: Partial<HistoryConfig>;
  deps?: Partial<HistoryDeps>;
  context?: Partial<HistoryContext>;
  url?: string;
} = {}) {
  const postgres = url === undefined ? await testPostgres() : undefined;
  const databaseUrl = url ?? postgres?.url ?? "";
  const log = createLog({ service: "history", level: "fatal" });
  const telemetry = createTelemetry(telemetryConfig({}), { service: "history", log });
  const service = await startHistory(
    {
      ...envToConfig({ DATABASE_URL: databaseUrl, DATABASE_POOL_SIZE: "4", HISTORY_LINGER: "1ms" }),
      ...keepsAll,
      ...config,
    },
    { log, tracing: telemetry.tracer("history"), metrics: telemetry.metrics, ...oneClock(deps) },
    { seriesPageMs: wholeSeriesMs, ...context },
  );
  const client = createInProcessClient(service.definition);
  const timeoutMs = 15_000;
  return {
    url: databaseUrl,
    service,
    context: service.context,
    client,
    options: { timeoutMs },
    /** Stores a record. */
    record: (fields: MessageInitShape<typeof RecordSchema>) =>
      client.record.call({ record: create(RecordSchema, fields) }, { timeoutMs }),
    async [Symbol.asyncDispose]() {
      await client.close();
      await service.stop();
      await telemetry.shutdown();
      await postgres?.stop();
    },
  };
}

/** A test that sets the clock sets PostgreSQL's too, unless it says otherwise. */
function oneClock(deps: Partial<HistoryDeps>): Partial<HistoryDeps> {
  const { nowMs } = deps;
  return nowMs === undefined ? deps : { databaseNowMs: async () => nowMs(), ...deps };
}

/** A record of an ended request, with what every record has. */
export function ended(
  requestId: bigint,
  fields: MessageInitShape<typeof RecordSchema> = {},
): MessageInitShape<typeof RecordSchema> {
  const createdUnixUs = BigInt(toParts(requestId).unixMs) * 1_000n + 175n;
  return {
    requestId,
    accountId: account,
    keyId: key,
    status: RecordStatus.SUCCEEDED,
    createdUnixUs,
    updatedUnixUs: createdUnixUs + 1_000_000n,
    model: "gpt-4o",
    requestedModel: "gpt-4o",
    ...fields,
  };
}
