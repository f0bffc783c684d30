import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { ExponentialBackoff, handleWhen, retry } from "cockatiel";
import { ThroughlineError } from "../shared/errors/error.ts";
import {
  type Reservation,
  SettleCase,
  type SettleItemSchema,
  type Settlement,
} from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import { type Usage, UsageSchema } from "../shared/gen/throughline/common/v1/common_pb.ts";
import {
  DetailSchema,
  type Record,
  RecordStatus,
  TimelineEventSchema,
} from "../shared/gen/throughline/history/v1/history_pb.ts";
import type { Route } from "../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { Ask } from "./ask.ts";
import type { GatewayContext } from "./context.ts";
import { storeAnswer } from "./idempotency.ts";
import { elapsedUs, mark } from "./incoming.ts";
import { recordBase } from "./items.ts";
import { recordedAnswer } from "./recorded-answer.ts";
import type { Ending } from "./story.ts";

/** Tries again for as long as the process lives: a service that is away for a minute must not cost a settlement. */
const persistently = retry(
  handleWhen((error) => ThroughlineError.from(error).retryable),
  { maxAttempts: 1_000, backoff: new ExponentialBackoff({ initialDelay: 50, maxDelay: 3_000 }) },
);

/** What is left of a body: work that waits for a service that is away must not keep 16 MB of each request. */
const nothing = new Uint8Array();

/** A request that holds a reservation. */
export interface Reserved {
  readonly ask: Ask;
  readonly route: Route;
  readonly reservation: Reservation;
  /** Ends the care for the reservation: it is settled. */
  readonly release: () => void;
}

/** Settles and records a request that held a reservation, on a deadline of its own. */
export function finish(context: GatewayContext, reserved: Reserved, ending: Ending): void {
  const { ask, route, reservation, release } = reserved;
  const durationUs = elapsedUs(ask.incoming);
  ask.body = nothing;
  const answerBytes = ending.kept.length === 0 ? 0 : ending.keptBytes;
  context.running.finish(answerBytes + (ending.outcome?.response.length ?? 0) + 4_096, async () => {
    const { id } = ask.incoming;
    try {
      const settlement = await settle(context, ask, route, ending);
      mark(ask.incoming, "settled");
      const { response, truncated } = await recordedAnswer(ask, ending);
      const final = finalRecord(ask, route, reservation, ending, settlement, durationUs);
      final.response = response;
      final.responseTruncated = truncated;
      const rest = [record(context, final, ask.incoming.span.traceparent)];
      // Not behind the record: a repeat runs anew, and is charged, where the answer is not stored within a minute.
      if (ask.idempotencyKey !== "") rest.push(persistently.execute(() => storeAnswer(context, ask, ending)));
      for (const done of await Promise.allSettled(rest)) if (done.status === "rejected") throw done.reason;
    } catch (error) {
      context.log.error({ err: error, request_id: id.toString() }, "request could not be settled or recorded");
    } finally {
      release();
    }
  });
}

/** Records a request of a known caller that was refused before anything was reserved. */
export function recordRefusal(
  context: GatewayContext,
  ask: Ask,
  route: Route | undefined,
  error: ThroughlineError,
): void {
  const refused = recordBase(ask, route);
  refused.status = RecordStatus.FAILED;
  fail(refused, error);
  refused.durationUs = elapsedUs(ask.incoming);
  refused.detail = detail(ask, route, undefined);
  keepRecord(context, ask, refused);
}

/** Records a request that was answered with what an earlier one got: it cost nothing, and its ID leads to that one. */
export function recordReplay(context: GatewayContext, ask: Ask, route: Route, first: bigint): void {
  const replayed = recordBase(ask, route);
  replayed.status = RecordStatus.SUCCEEDED;
  replayed.httpStatus = 200;
  replayed.billingReason = "replayed";
  replayed.durationUs = elapsedUs(ask.incoming);
  const said = detail(ask, route, undefined);
  said.notes.push(`replay of request ${first}`);
  replayed.detail = said;
  keepRecord(context, ask, replayed);
}

function keepRecord(context: GatewayContext, ask: Ask, kept: Record): void {
  ask.body = nothing;
  context.running.finish(2_048, async () => {
    try {
      await record(context, kept, ask.incoming.span.traceparent);
    } catch (thrown) {
      context.log.error({ err: thrown, request_id: ask.incoming.id.toString() }, "request could not be recorded");
    }
  });
}

async function record(context: GatewayContext, terminal: Record, traceparent: string): Promise<void> {
  await persistently.execute(() =>
    context.history.record.call(
      { record: terminal },
      { requestId: terminal.requestId, traceparent, timeoutMs: context.config.finishTimeoutMs },
    ),
  );
}

async function settle(context: GatewayContext, ask: Ask, route: Route, ending: Ending): Promise<Settlement> {
  const { incoming } = ask;
  const item = settleItem(ask, route, ending);
  return persistently.execute(() =>
    context.billing.settle.call(item, {
      requestId: incoming.id,
      traceparent: incoming.span.traceparent,
      timeoutMs: context.config.finishTimeoutMs,
    }),
  );
}

function settleItem(ask: Ask, route: Route, ending: Ending): MessageInitShape<typeof SettleItemSchema> {
  const candidate = servedBy(ask, route, ending);
  return {
    accountId: ask.principal.accountId,
    case: settleCase(ending),
    usage: usageOf(ask, ending),
    ...(candidate?.pricing === undefined ? {} : { pricing: candidate.pricing }),
    policy: ask.principal.disconnectPolicy,
    facts: {
      keyId: ask.principal.keyId,
      userId: ask.principal.userId,
      module: ask.module,
      model: route.model,
      group: ask.principal.group,
      dialect: ask.dialect,
      channel: candidate?.channel ?? "",
      platform: candidate?.platform ?? "",
      errorCode: failure(ending)?.code ?? "",
    },
  };
}

/** How a request ended, as far as money goes (the policy for every way is in docs/billing.md). */
function settleCase(ending: Ending): SettleCase {
  const delivered = ending.frames > 0;
  if (!delivered && (ending.gone || ending.error !== undefined)) return SettleCase.FAILED;
  if (ending.gone) return SettleCase.DISCONNECTED;
  return ending.error === undefined ? SettleCase.SUCCEEDED : SettleCase.BROKEN;
}

/** Who answered; where the provider went away in the middle, the channel of the answer's head tells. */
function servedBy({ incoming }: Ask, route: Route, { outcome }: Ending) {
  if (outcome !== undefined) return route.candidates[outcome.candidate];
  const channel = incoming.served?.channel;
  return route.candidates.find((candidate) => candidate.channel === channel) ?? route.candidates[0];
}

/** Consumption; where the provider went away in the middle, a frame counts as one token. */
function usageOf(ask: Ask, ending: Ending): Usage {
  if (ending.outcome?.usage !== undefined) return ending.outcome.usage;
  const usage = create(UsageSchema);
  usage.estimated = true;
  if (ending.frames > 0) {
    usage.inputTokens = BigInt(ask.estimate.tokens);
    usage.outputTokens = BigInt(ending.frames);
  }
  return usage;
}

/** What the record calls the failure; undefined: none. */
function failure(ending: Ending): ThroughlineError | undefined {
  if (ending.error !== undefined && !ending.gone) return ending.error;
  return ending.gone ? new ThroughlineError("client_closed_request", "The client left before the end.") : undefined;
}

function fail(record: Record, error: ThroughlineError): void {
  record.errorCode = error.code;
  record.errorMessage = error.message;
  record.httpStatus = error.httpStatus;
}

function finalRecord(
  ask: Ask,
  route: Route,
  reservation: Reservation,
  ending: Ending,
  settlement: Settlement,
  durationUs: bigint,
): Record {
  const final = recordBase(ask, route);
  const failed = failure(ending);
  const candidate = servedBy(ask, route, ending);
  const { outcome } = ending;
  const attempt = outcome?.attempts.at(-1);
  final.status = failed === undefined ? RecordStatus.SUCCEEDED : RecordStatus.FAILED;
  if (failed === undefined) final.httpStatus = 200;
  else fail(final, failed);
  final.platform = attempt?.platform ?? candidate?.platform ?? "";
  final.channel = attempt?.channel ?? candidate?.channel ?? "";
  final.strategy = candidate?.pricing?.strategy ?? "";
  final.customResponseExpression = candidate?.customResponseExpression ?? "";
  final.attemptId = attempt?.attemptId ?? 0n;
  final.upstreamRequestId = attempt?.upstreamRequestId ?? "";
  final.usage = usageOf(ask, ending);
  if (candidate?.pricing !== undefined) final.pricing = candidate.pricing;
  final.reservedNanoUsd = reservation.reservedNanoUsd;
  final.billedNanoUsd = settlement.billedNanoUsd;
  final.billingReason = settlement.reason;
  final.durationUs = durationUs;
  final.firstByteUs = ending.firstByteUs;
  final.messageId = outcome?.messageId ?? "";
  final.detail = detail(ask, route, ending);
  return final;
}

function detail(ask: Ask, route: Route | undefined, ending: Ending | undefined) {
  const { incoming } = ask;
  const outcome = ending?.outcome;
  const timeline = incoming.timeline.map((event) => create(TimelineEventSchema, event));
  const timings = outcome?.timings;
  if (timings !== undefined && timings.upstreamSentUs > 0n) {
    timeline.push(create(TimelineEventSchema, { name: "upstream_sent", atUs: timings.upstreamSentUs }));
  }
  if (ending !== undefined && ending.firstByteUs > 0n) {
    timeline.push(create(TimelineEventSchema, { name: "first_byte", atUs: ending.firstByteUs }));
  }
  timeline.sort((a, b) => (a.atUs < b.atUs ? -1 : a.atUs > b.atUs ? 1 : 0));
  const built = create(DetailSchema);
  built.attempts = outcome?.attempts ?? [];
  built.reasons = route?.reasons ?? [];
  built.timeline = timeline;
  built.traceId = incoming.span.traceId;
  built.clientRequestId = incoming.clientRequestId;
  built.finishReason = outcome?.finishReason ?? "";
  built.responseModel = outcome?.responseModel ?? "";
  built.notes = outcome?.notes ?? [];
  return built;
}
