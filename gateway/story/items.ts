import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ReserveItemSchema } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { InvokeItemSchema, RequestFacts } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { ResolveItemSchema, Route } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { dearestCase, worstCase } from "../domain/worst-case.ts";
import type { Ask } from "./ask.ts";
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
export function invokeItem(
  ask: Ask,
  route: Route,
  facts: RequestFacts,
  elapsedUs: bigint,
): MessageInitShape<typeof InvokeItemSchema> {
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
    estimatedInputTokens: BigInt(ask.estimate.tokens),
    facts,
  };
}
