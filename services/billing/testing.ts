import { randomUUID } from "node:crypto";
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../shared/errors/error.ts";
import {
  type AccountSchema,
  type BillingService,
  KeyKind,
  type KeySchema,
  type Reservation,
  type ReserveItemSchema,
  SettleCase,
  type SettleItemSchema,
  type Settlement,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { FindUnfinishedResponseSchema } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { createLog } from "../../shared/log.ts";
import { fromParts } from "../../shared/request-id.ts";
import { type ClientControl, createInProcessClient, type ServiceClient } from "../../shared/rpc/index.ts";
import { createTelemetry, telemetryConfig } from "../../shared/telemetry/index.ts";
import type { BillingConfig } from "./config.ts";
import type { BillingDeps } from "./context.ts";
import { startBilling } from "./server.ts";

export type BillingClient = ServiceClient<typeof BillingService> & ClientControl;

/** A billing service on a database, with a client. */
export interface TestBilling extends AsyncDisposable {
  readonly client: BillingClient;
  readonly config: BillingConfig;
  stop(): Promise<void>;
}

export const pepper = "a pepper for the tests";

/** A history that knows every request's end. */
export const knowingHistory: BillingDeps["history"] = {
  findUnfinished: async () => create(FindUnfinishedResponseSchema),
  record: {
    call: () => Promise.reject(new Error("history needs no telling in this test")),
    open: () => {
      throw new Error("not a stream");
    },
  },
};

export const silent = createLog({ service: "billing", level: "silent" });

/** Starts one replica of billing on a database. */
export async function startReplica(
  url: string,
  overrides: Partial<BillingConfig> = {},
  deps: Partial<BillingDeps> = {},
): Promise<TestBilling> {
  const telemetry = createTelemetry(telemetryConfig({ OTEL_SDK_DISABLED: "true" }), {
    service: "billing",
    log: silent,
  });
  const config: BillingConfig = {
    databaseUrl: url,
    databasePoolSize: 6,
    migrate: true,
    keyPepper: pepper,
    keyPepperReset: false,
    reservationTtlMs: 60_000,
    sweepIntervalMs: 60_000,
    reconcileLagMs: 30_000,
    reconcileIntervalMs: 60_000,
    settleLingerMs: 0,
    refusalWaitMs: 0,
    valkeyUrl: undefined,
    valkeyFallback: "refuse",
    accountsFile: undefined,
    accountsLookEveryMs: 10_000,
    ...overrides,
  };
  const running = await startBilling(config, {
    log: silent,
    tracing: telemetry.tracer("billing"),
    metrics: telemetry.metrics,
    history: knowingHistory,
    ...deps,
  });
  const client = createInProcessClient(running.definition);
  const stop = async (): Promise<void> => {
    await client.close();
    await running.stop();
    await telemetry.shutdown();
  };
  return { client, config, stop, [Symbol.asyncDispose]: stop };
}

const options = { timeoutMs: 15_000 };

/** The fields of a message, not the message itself. */
type Fields<S extends DescMessage> = Exclude<MessageInitShape<S>, { $typeName: string }>;

/** Prices at which a usage of n output tokens costs n nano-USD. */
export const pricing = { strategy: "test", outputNanoUsdPerMtok: 1_000_000n, groupRatioPpm: 1_000_000 };

let requests = 0;
/** Request IDs, increasing, from now on. */
export function nextRequestId(): bigint {
  requests += 1;
  return fromParts({ unixMs: Date.now(), node: requests >> 12, sequence: requests & 0xfff });
}

/** An account with one key, and what it does. */
export interface Payer {
  readonly accountId: bigint;
  readonly keyId: bigint;
  readonly secret: string;
}

/** Makes an account with credit and a key. */
export async function createPayer(
  client: BillingClient,
  {
    creditNanoUsd = 1_000_000n,
    account = {},
    key = {},
  }: {
    creditNanoUsd?: bigint;
    account?: Fields<typeof AccountSchema>;
    key?: Fields<typeof KeySchema>;
  } = {},
): Promise<Payer> {
  const made = await client.createAccount({ account: { name: `account ${randomUUID()}`, ...account } }, options);
  const accountId = made.account?.accountId ?? 0n;
  if (creditNanoUsd > 0n) {
    await client.addCredit({ accountId, amountNanoUsd: creditNanoUsd, actor: "test", reason: "start" }, options);
  }
  const { key: keyMade, secret } = await client.createKey(
    { key: { accountId, kind: KeyKind.API, scopes: ["*"], ...key } },
    options,
  );
  return { accountId, keyId: keyMade?.keyId ?? 0n, secret };
}

/** Reserves `tokens` nano-USD for a request. */
export function reserve(
  client: BillingClient,
  { accountId, keyId }: Pick<Payer, "accountId" | "keyId">,
  tokens: bigint,
  requestId = nextRequestId(),
  item: Fields<typeof ReserveItemSchema> = {},
): Promise<Reservation> {
  return client.reserve.call(
    { accountId, keyId, module: Module.CHAT, model: "model", pricing, worstCase: { outputTokens: tokens }, ...item },
    { ...options, requestId },
  );
}

/** Settles a request with `tokens` nano-USD of usage. */
export function settle(
  client: BillingClient,
  { accountId, keyId }: Pick<Payer, "accountId" | "keyId">,
  tokens: bigint,
  requestId: bigint,
  item: Fields<typeof SettleItemSchema> = {},
): Promise<Settlement> {
  return client.settle.call(
    {
      accountId,
      case: SettleCase.SUCCEEDED,
      pricing,
      usage: { outputTokens: tokens },
      facts: { keyId, module: Module.CHAT, model: "model", channel: "channel", platform: "vendor" },
      ...item,
    },
    { ...options, requestId },
  );
}

/** Balance, what is held of it, and the offending lines of an audit. */
export async function standing(client: BillingClient, accountId: bigint) {
  const { account } = await client.getAccount({ accountId }, options);
  return { balance: account?.balanceNanoUsd, reserved: account?.reservedNanoUsd };
}

/** Every line that an audit objects to. */
export async function auditLines(client: BillingClient): Promise<string[]> {
  const { checks } = await client.audit({}, options);
  return checks.flatMap(({ name, offending }) => offending.map((line) => `${name}: ${line}`));
}

/** The code of what a call rejects with, or "ok". */
export function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "ok",
    (error: unknown) => ThroughlineError.from(error).code,
  );
}
