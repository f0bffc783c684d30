import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Reservation } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Pricing } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Batch, BatchApi } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import type { RequestFacts } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { persistently } from "../../../shared/persistently.ts";
import type { GatewayContext } from "../../context.ts";
import { platformFault } from "../../domain/platform-fault.ts";
import { principalOf } from "../../edge/admission.ts";
import { closingRequest, processingRecord } from "../../story/closing.ts";
import { idempotencyKeyOf, requestDigest } from "../../story/idempotency.ts";
import { mark, noteOrigin } from "../../story/incoming.ts";
import { labelsOf } from "../../story/labels.ts";
import { callOptions } from "../jobs/owned.ts";
import type { Endpoint } from "../paid-endpoint.ts";
import { createBatchRoutes } from "./batch-routes.ts";
import { type GivenLine, linePreparer, type PreparedLine } from "./prepare-line.ts";

/** A batch that is to be taken in. */
export interface WantedBatch {
  readonly api: BatchApi;
  readonly endpoint: Endpoint;
  readonly dialect: string;
  /** 0n: its lines came with the request. */
  readonly inputFileId: bigint;
  readonly view: Uint8Array;
  readonly resultsLifeMs: number;
  /** Throws what makes the whole of it be refused. */
  lines(): AsyncIterable<GivenLine>;
}

const dayMs = 86_400_000;
/** A message to jobs has about so many bytes, and so many lines, at most. */
const messageBytes = 900_000;
const messageLines = 500;
const callTimeoutMs = 60_000;
const mostModels = 20;

/**
 * Takes a batch in: its lines are read, checked, priced and sent to jobs as they come, the sum of their worst cases is held, and
 * with one last call it runs. What breaks off before that leaves nothing that anybody sees or pays for.
 *
 * A repeat with the same Idempotency-Key gives the first one's batch.
 */
export async function takeBatch(context: GatewayContext, request: FastifyRequest, wanted: WantedBatch): Promise<Batch> {
  const { incoming } = request;
  const { endpoint, api } = wanted;
  const principal = principalOf(request);
  const { accountId, keyId, userId } = principal;
  const owner = { accountId, keyId, userId };
  const options = { ...callOptions(context, request), timeoutMs: callTimeoutMs };
  const about = {
    incoming,
    principal,
    dialect: wanted.dialect,
    module: endpoint.module,
    demand: { model: "", answer: "json" as const },
    storeResponse: principal.storeResponse,
    labels: labelsOf(request.headers, typeof request.body === "object" ? { ...request.body } : {}),
  };
  const key = idempotencyKeyOf(request.headers["idempotency-key"]);
  noteOrigin(incoming, { idempotencyKey: key, bytes: request.rawBody.length });
  const { facts } = closingRequest(about, undefined, 0n);
  const batchId = incoming.id;
  const { firstBatchId } = await context.jobs.beginBatch(
    {
      ...{ batchId, owner, api, endpoint: endpoint.paths[0] ?? "", inputFileId: wanted.inputFileId, facts },
      outputFileId: context.ids.next(),
      errorFileId: context.ids.next(),
      view: wanted.view,
      module: endpoint.module,
      storeResponse: principal.storeResponse,
      ...(key === "" ? {} : hashesOf(key, userId, wanted.dialect, request.rawBody)),
    },
    options,
  );
  if (firstBatchId !== 0n) {
    const first = { owner: { ...owner, keyId: 0n }, api, batchId: firstBatchId };
    return batchOf(await context.jobs.getBatch(first, options));
  }
  const taken = await sendLines(context, request, wanted, options);
  mark(incoming, "taken_in");
  const reservation =
    taken.priced === undefined ? undefined : await reserve(context, request, wanted, { ...taken, facts });
  if (reservation !== undefined) mark(incoming, "reserved");
  const start = {
    ...{ batchId, accountId, total: taken.total, models: [...taken.models] },
    isHeld: reservation !== undefined,
    reservedNanoUsd: reservation?.reservedNanoUsd ?? 0n,
    lifeMs: BigInt(dayMs),
    resultsLifeMs: BigInt(wanted.resultsLifeMs),
  };
  // It may run by now though its answer was lost, so the client must not be refused it.
  const batch = batchOf(await persistently(() => context.jobs.startBatch(start, options)));
  recordRunning(context, request, about, taken);
  return batch;
}

interface Taken {
  readonly total: number;
  readonly amount: bigint;
  readonly models: ReadonlySet<string>;
  /** Model and price of a line that may be run; undefined: no line may. */
  readonly priced: { readonly model: string; readonly pricing: Pricing } | undefined;
}

async function sendLines(
  context: GatewayContext,
  request: FastifyRequest,
  wanted: WantedBatch,
  options: ReturnType<typeof callOptions>,
): Promise<Taken> {
  const { accountId } = principalOf(request);
  const batchId = request.incoming.id;
  const routes = createBatchRoutes(context, context.config.batchPriceRatio);
  const prepare = linePreparer(context, request, wanted.endpoint, routes);
  const pace = context.pacing.pace();
  const models = new Set<string>();
  let lines: PreparedLine[] = [];
  let bytes = 0;
  let total = 0;
  let amount = 0n;
  let priced: Taken["priced"];

  async function send(): Promise<void> {
    if (lines.length === 0) return;
    const message = { batchId, accountId, first: total - lines.length, routes: fresh, lines };
    await context.jobs.addBatchLines(message, options);
    [lines, bytes, fresh] = [[], 0, []];
  }

  let fresh: ReturnType<typeof routes.taken> = [];
  for await (const given of wanted.lines()) {
    const line = await prepare(given);
    fresh.push(...routes.taken());
    const first = fresh[0]?.item;
    const pricing = first?.candidates?.[0]?.pricing;
    if (priced === undefined && pricing !== undefined) {
      priced = { model: first?.facts?.model ?? "", pricing: pricing as Pricing };
    }
    const size = given.bytes.length + given.customId.length + 200;
    if (bytes + size > messageBytes) await send();
    lines.push(line);
    bytes += size;
    total += 1;
    amount += line.amountNanoUsd ?? 0n;
    const model: unknown = Reflect.get(given.body, "model");
    if (typeof model === "string" && models.size < mostModels) models.add(model.slice(0, 256));
    if (lines.length >= messageLines) await send();
    const others = pace();
    if (others !== undefined) await others;
  }
  await send();
  return { total, amount, models, priced };
}

/** Holds the sum of the lines' worst cases. */
async function reserve(
  context: GatewayContext,
  request: FastifyRequest,
  wanted: WantedBatch,
  { amount, priced, facts: { endUser, tags } }: Taken & { readonly facts: RequestFacts },
): Promise<Reservation> {
  const { accountId, keyId, userId, secretGeneration } = principalOf(request);
  return context.billing.reserve
    .call(
      {
        ...{ accountId, keyId, userId, secretGeneration, module: wanted.endpoint.module, dialect: wanted.dialect },
        ...{ model: priced?.model ?? "", worstCase: {}, amountNanoUsd: amount, endUser, tags },
        ...(priced === undefined ? {} : { pricing: priced.pricing }),
      },
      callOptions(context, request),
    )
    .catch((thrown: unknown) => {
      throw platformFault(thrown);
    });
}

/** Shows it in history while it runs. Nobody waits for this: its end is recorded in any case. */
function recordRunning(
  context: GatewayContext,
  request: FastifyRequest,
  about: Parameters<typeof closingRequest>[0],
  { priced, amount, models }: Taken,
): void {
  const demand = { ...about.demand, model: [...models][0] ?? "" };
  const closing = closingRequest({ ...about, demand }, undefined, amount);
  closing.facts.model = priced?.model ?? "";
  const record = processingRecord(closing);
  context.history.record.call({ record }, callOptions(context, request)).catch((error: unknown) => {
    context.log.warn({ err: error, request_id: request.incoming.idText }, "a batch could not be recorded as it began");
  });
}

/** What a repeat is known by. A user ID has no NUL, so no two owners make the same text. */
function hashesOf(key: string, userId: string, dialect: string, body: Uint8Array) {
  const idempotencyHash = createHash("sha256").update(`${userId}\0${key}`).digest();
  return { idempotencyHash, requestDigest: requestDigest({ dialect, body }) };
}

function batchOf({ batch }: { readonly batch?: Batch | undefined }): Batch {
  if (batch === undefined) throw new ThroughlineError("internal_error", "A batch runs and is not told.");
  return batch;
}
