import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { KeyKind, type Reservation, type ReserveItemSchema } from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import { type Record, RecordSchema, RecordStatus } from "../shared/gen/throughline/history/v1/history_pb.ts";
import type { InvokeItemSchema } from "../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { ResolveItemSchema, Route } from "../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { Ask } from "./ask.ts";
import { dearestCase, worstCase } from "./domain/worst-case.ts";
import { requestDigest } from "./idempotency.ts";

/** What a request says of itself before it has a route. */
export type Resolvable = Pick<
  Ask,
  | "incoming"
  | "principal"
  | "module"
  | "model"
  | "estimate"
  | "tools"
  | "structuredOutput"
  | "maxOutputTokens"
  | "affinity"
>;

/** What routing is asked. */
export function resolveItem(ask: Resolvable): MessageInitShape<typeof ResolveItemSchema> {
  return {
    group: ask.principal.group,
    model: ask.model,
    module: ask.module,
    affinity: ask.affinity,
    needs: {
      inputTokens: BigInt(ask.estimate.tokens),
      tools: ask.tools,
      vision: ask.estimate.images > 0,
      audio: ask.estimate.audio,
      structuredOutput: ask.structuredOutput,
      maxOutputTokens: BigInt(ask.maxOutputTokens),
    },
  };
}

/** What billing is asked to hold. */
export function reserveItem(ask: Ask, route: Route): MessageInitShape<typeof ReserveItemSchema> {
  return {
    accountId: ask.principal.accountId,
    keyId: ask.principal.keyId,
    secretGeneration: ask.principal.secretGeneration,
    userId: ask.principal.userId,
    module: ask.module,
    model: route.model,
    ...dearestCase(route.candidates, worstCase(ask, route)),
    dialect: ask.dialect,
    ...(ask.idempotencyKey === "" ? {} : { idempotencyKey: ask.idempotencyKey, idempotencyDigest: requestDigest(ask) }),
  };
}

/** What the provider is asked to do. */
export function invokeItem(ask: Ask, route: Route, elapsedUs: bigint): MessageInitShape<typeof InvokeItemSchema> {
  return {
    dialect: ask.dialect,
    module: ask.module,
    model: ask.model,
    control: route.control,
    stream: ask.stream,
    includeUsage: ask.includeUsage,
    candidates: route.candidates,
    body: ask.body,
    elapsedUs,
    headers: ask.headers,
    createdUnixS: ask.incoming.arrivedUnixUs / 1_000_000n,
    storeResponse: ask.storeResponse,
    configVersion: route.configVersion,
  };
}

/** What every record of a request says, whatever became of it. */
export function recordBase(ask: Ask, route: Route | undefined): Record {
  const { incoming, principal } = ask;
  const record = create(RecordSchema);
  record.requestId = incoming.id;
  record.accountId = principal.accountId;
  record.keyId = principal.keyId;
  record.userId = principal.userId;
  record.fromAppserver = principal.kind === KeyKind.SERVER;
  record.module = ask.module;
  // Without a route there is no model: what clients make up must not become something that history keeps for ever.
  record.model = route?.model ?? "";
  record.requestedModel = ask.model;
  record.dialect = ask.dialect;
  record.stream = ask.stream;
  record.createdUnixUs = incoming.arrivedUnixUs;
  record.updatedUnixUs = BigInt(Date.now()) * 1_000n;
  record.storeResponse = ask.storeResponse;
  record.policy = principal.disconnectPolicy;
  return record;
}

/** The record of a request that still runs. */
export function processingRecord(ask: Ask, route: Route, reservation: Reservation): Record {
  const record = recordBase(ask, route);
  record.status = RecordStatus.PROCESSING;
  record.reservedNanoUsd = reservation.reservedNanoUsd;
  return record;
}
