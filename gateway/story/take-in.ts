import type { Reservation } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Route } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { moduleNameOf } from "../../shared/modules.ts";
import type { GatewayContext } from "../context.ts";
import { platformFault } from "../domain/platform-fault.ts";
import type { Answer, Ask } from "./ask.ts";
import { forgetRefused } from "./authenticate.ts";
import { isStream } from "./demand.ts";
import { recordRefusal, recordReplay } from "./finish.ts";
import { replayAnswer, storedAnswer } from "./idempotency.ts";
import { type Incoming, mark, type Served } from "./incoming.ts";
import { reserveItem } from "./items.ts";
import { keepRequest } from "./keep-request.ts";
import { resolve } from "./resolve.ts";

/** A request that may be carried out. */
export interface TakenIn {
  readonly route: Route;
  readonly reservation: Reservation;
}

/** An answer that was charged before costs nothing again. */
const replayedCost = { billedNanoUsd: 0n, reason: "replayed" } as const;

/** Its client waits for the answer. */
const atOnce = { job: false } as const;

/**
 * The first half of every story that costs money: resolve -> reserve. Gives undefined where the client was answered with what
 * an earlier request with its Idempotency-Key got.
 *
 * Throws the error that the client shall get; it is on the record by then, but for one of `admit`: its record would wait in the
 * memory that is full.
 */
export async function takeIn(
  context: GatewayContext,
  ask: Ask,
  answer: Answer,
  { job }: { readonly job: boolean } = atOnce,
): Promise<TakenIn | undefined> {
  const { incoming } = ask;
  incoming.told = true;
  const served: Served = {
    dialect: ask.dialect,
    module: moduleNameOf(ask.module),
    model: ask.demand.model,
    stream: isStream(ask.demand.answer),
  };
  incoming.served = served;
  context.metrics.requestStarted(served.module);
  const room = context.running.admit();
  if (room !== undefined) await room;
  let route: Route | undefined;
  try {
    route = await resolveRoute(context, ask);
    const reservation = await reserve(context, ask, route, job);
    if (reservation.replayRequestId === 0n) {
      if (ask.principal.storeRequest) keepRequest(context, ask);
      return { route, reservation };
    }
    context.spans.replays(incoming.span, reservation.replayRequestId);
    const stored = await storedAnswer(context, ask, reservation.replayRequestId);
    ask.body = new Uint8Array();
    // Nobody else knows of a replay: whoever has the answer finds its record, whatever becomes of this process.
    await inTime(context, recordReplay(context, ask, route, reservation.replayRequestId));
    if (ask.tellsCost) answer.costs?.(replayedCost);
    await replayAnswer(stored, reservation.replayRequestId, answer);
    return undefined;
  } catch (thrown) {
    const error = platformFault(thrown);
    forgetRefused(context, incoming, error);
    recordRefusal(context, ask, route, error);
    throw error;
  }
}

/**
 * Waits for what must be durable first as long as a call may take: a client does not wait for a service that is away. Gives what
 * came of it; undefined: it takes longer.
 */
export async function inTime<T>({ config }: GatewayContext, durable: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve: end } = Promise.withResolvers<undefined>();
  const timer = setTimeout(end, config.callTimeoutMs, undefined);
  try {
    return await Promise.race([durable, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The route, if its model can serve the demand. */
async function resolveRoute(context: GatewayContext, ask: Ask): Promise<Route> {
  const { incoming } = ask;
  const route = await resolve(context, ask);
  const refusal = ask.demand.refuses(route);
  if (refusal !== undefined) throw refusal;
  noteModel(context, incoming, route.model);
  mark(incoming, "resolved");
  return route;
}

/** Holds the worst-case cost: durable before the upstream is called. */
async function reserve(context: GatewayContext, ask: Ask, route: Route, job: boolean): Promise<Reservation> {
  const { incoming } = ask;
  const reservation = await context.billing.reserve.call(reserveItem(ask, route, job), {
    requestId: incoming.id,
    traceparent: incoming.span.traceparent,
    timeoutMs: context.config.callTimeoutMs,
  });
  mark(incoming, "reserved");
  return reservation;
}

/** Counts go by configured names: those that routing has answered with are known. */
function noteModel({ models, metrics }: GatewayContext, { served }: Incoming, model: string): void {
  if (served !== undefined) served.model = model;
  if (models.has(model)) return;
  models.add(model);
  metrics.knowModels(models);
}
