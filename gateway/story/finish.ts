import { baseRecord, finalRecord, noteDetail, noteFailure, settleItem } from "../../shared/closing/index.ts";
import type { ThroughlineError } from "../../shared/errors/error.ts";
import type { Settlement } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { type Record, RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Route } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { persistently } from "../../shared/persistently.ts";
import type { GatewayContext } from "../context.ts";
import { uploadNotes } from "../domain/form.ts";
import type { Ask, Asked } from "./ask.ts";
import { closingEnding, closingRequest, plainDetail, timelineOf } from "./closing.ts";
import type { Ending, Reserved } from "./ending.ts";
import { storeAnswer } from "./idempotency.ts";
import { elapsedUs, mark } from "./incoming.ts";
import { traceDropped } from "./keep-trace.ts";
import { recordedAnswer } from "./recorded-answer.ts";

/** What is left of a body: work that waits for a service that is away must not keep 16 MB of each request. */
const nothing = new Uint8Array();

/**
 * Settles and records a request that held a reservation, on a deadline of its own. Gives a promise that resolves when the
 * settlement is durable, and with it the answer for an Idempotency-Key; it resolves, too, with undefined, when that will
 * never be.
 *
 * @param waited the client waits for that promise.
 */
export function finish(
  context: GatewayContext,
  reserved: Reserved,
  ending: Ending,
  waited: boolean,
): Promise<Settlement | undefined> {
  const { ask, release } = reserved;
  const { incoming } = ask;
  const durationUs = elapsedUs(incoming);
  ask.body = nothing;
  const answerBytes = ending.kept.length === 0 ? 0 : ending.keptBytes;
  const { promise: settled, resolve } = Promise.withResolvers<Settlement | undefined>();
  const inputBytes = ask.input?.length ?? 0;
  context.running.finish(answerBytes + inputBytes + (ending.outcome?.response.length ?? 0) + 4_096, async () => {
    try {
      const settlement = await settle(context, reserved, ending, waited);
      mark(incoming, "settled");
      const recorded = recordEnd(context, reserved, ending, settlement, durationUs);
      if (ask.idempotencyKey === "") {
        resolve(settlement);
        await recorded;
        return;
      }
      // Not behind the record: a repeat runs anew, and is charged, where the answer is not stored within a minute.
      const stored = persistently(() => storeAnswer(context, ask, ending)).finally(() => resolve(settlement));
      const results = await Promise.allSettled([recorded, stored]);
      for (const done of results) if (done.status === "rejected") throw done.reason;
    } catch (error) {
      context.log.error({ err: error, request_id: incoming.idText }, "request could not be settled or recorded");
    } finally {
      resolve(undefined);
      release();
      ending.acknowledgement.give();
    }
  });
  return settled;
}

async function recordEnd(
  context: GatewayContext,
  { ask, request }: Reserved,
  ending: Ending,
  settlement: Settlement,
  durationUs: bigint,
): Promise<void> {
  const { incoming } = ask;
  const recorded = recordedAnswer(ask, ending);
  const { response, truncated } = recorded instanceof Promise ? await recorded : recorded;
  const said = {
    durationUs,
    firstByteUs: ending.firstByteUs,
    timeline: timelineOf(incoming),
    response,
    responseTruncated: truncated,
    notes: uploadNotes(ask.upload),
    traceDropped: traceDropped(context.config, incoming, ending.error?.code),
  };
  const final = finalRecord(request, closingEnding(ask, ending), said, settlement);
  if (ask.input !== undefined && final.status === RecordStatus.SUCCEEDED) final.input = ask.input;
  await record(context, final, incoming.span.traceparent, false);
}

/** Statuses of requests that nobody could have served. */
const invalidStatuses: readonly number[] = [400, 413, 422];

/**
 * Records a request of a known caller that was refused before anything was reserved. A failure of the platform always
 * has its record; of what a client may bring about at will only so many a minute have one.
 */
export function recordRefusal(
  context: GatewayContext,
  ask: Asked,
  route: Route | undefined,
  error: ThroughlineError,
): void {
  const { limits, metrics } = context;
  const { keyId } = ask.principal;
  if (invalidStatuses.includes(error.httpStatus)) limits.invalid(keyId);
  if (error.httpStatus < 500 && !limits.mayRecord(keyId)) {
    metrics.refusalUnrecorded();
    return;
  }
  const request = closingRequest(ask, route, 0n);
  const refused = baseRecord(request);
  refused.status = RecordStatus.FAILED;
  noteFailure(refused, error);
  refused.durationUs = elapsedUs(ask.incoming);
  noteDetail(refused, plainDetail(context, request, ask.incoming, { errorCode: error.code }));
  void keepRecord(context, ask, refused, false);
}

/**
 * Records a request that is answered with what an earlier one got: it costs nothing, and its ID leads to that one. Gives a
 * promise that resolves when the record is durable, or never will be.
 */
export function recordReplay(context: GatewayContext, ask: Ask, route: Route, first: bigint): Promise<void> {
  const request = closingRequest(ask, route, 0n);
  const replayed = baseRecord(request);
  replayed.status = RecordStatus.SUCCEEDED;
  replayed.httpStatus = 200;
  replayed.billingReason = "replayed";
  replayed.durationUs = elapsedUs(ask.incoming);
  noteDetail(replayed, plainDetail(context, request, ask.incoming, { notes: [`replay of request ${first}`] }));
  return keepRecord(context, ask, replayed, true);
}

function keepRecord(context: GatewayContext, { incoming }: Asked, kept: Record, waited: boolean): Promise<void> {
  const { promise: recorded, resolve } = Promise.withResolvers<void>();
  context.running.finish(2_048, async () => {
    try {
      await record(context, kept, incoming.span.traceparent, waited);
    } catch (thrown) {
      context.log.error({ err: thrown, request_id: incoming.idText }, "request could not be recorded");
    } finally {
      resolve();
    }
  });
  return recorded;
}

function record(
  context: GatewayContext,
  terminal: Record,
  traceparent: string,
  clientWaits: boolean,
): Promise<unknown> {
  const { running, config, history } = context;
  return persistently(() => {
    const waited = clientWaits || running.isLeaving();
    return history.record.call(
      { record: terminal, waited },
      { requestId: terminal.requestId, traceparent, timeoutMs: config.finishTimeoutMs, waited },
    );
  });
}

function settle(
  context: GatewayContext,
  { ask, request }: Reserved,
  ending: Ending,
  clientWaits: boolean,
): Promise<Settlement> {
  const { running, config, billing } = context;
  const { id: requestId, span } = ask.incoming;
  const item = settleItem(request, closingEnding(ask, ending));
  return persistently(() => {
    const waited = clientWaits || running.isLeaving();
    item.waited = waited;
    const { traceparent } = span;
    return billing.settle.call(item, { requestId, traceparent, timeoutMs: config.finishTimeoutMs, waited });
  });
}
