import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { toWireError } from "../../../shared/errors/wire.ts";
import type { BatchLineSchema } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import { dearestCostNanoUsd } from "../../../shared/money/cost.ts";
import { formatRequestId } from "../../../shared/request-id.ts";
import type { GatewayContext } from "../../context.ts";
import { givenTwice } from "../../domain/client-json.ts";
import { spellingOf } from "../../domain/field-spelling.ts";
import { faultsOf } from "../../domain/json-names.ts";
import { dearestCase } from "../../domain/worst-case.ts";
import { principalOf } from "../../edge/admission.ts";
import { validationError } from "../../edge/validation.ts";
import type { Ask } from "../../story/ask.ts";
import { isStream } from "../../story/demand.ts";
import { outputCeiling } from "../../story/items.ts";
import { labelsOf } from "../../story/labels.ts";
import { misspelt } from "../endpoint.ts";
import type { Endpoint } from "../paid-endpoint.ts";
import type { BatchRoutes } from "./batch-routes.ts";

/** A line that can be read. */
export interface GivenLine {
  readonly customId: string;
  /** Its body, parsed, and as it stands in the file. */
  readonly body: Record<string, unknown>;
  readonly bytes: Buffer;
}

/** A line as jobs is given it. */
export type PreparedLine = MessageInitShape<typeof BatchLineSchema>;

/** What prepares lines of one batch. */
export type PrepareLine = (line: GivenLine) => Promise<PreparedLine>;

const nothing = new Uint8Array();

/**
 * Makes what prepares the lines of a batch. Each is read as its endpoint reads a request: the same schema, the same checks, the same
 * estimate. One that is refused there becomes a line that has failed with that error; the others are none the worse for it.
 */
export function linePreparer(
  context: GatewayContext,
  request: FastifyRequest,
  endpoint: Endpoint,
  routes: BatchRoutes,
): PrepareLine {
  const validate = request.compileValidationSchema(endpoint.body);
  const spelling = spellingOf(Object.keys(endpoint.body.properties));
  const principal = principalOf(request);

  async function prepare(line: GivenLine, requestId: bigint): Promise<PreparedLine> {
    const { body, bytes } = line;
    const { twice } = faultsOf(bytes.toString());
    if (twice !== undefined) throw givenTwice(twice);
    endpoint.respell?.(body);
    if (!validate(body)) throw validationError(validate.errors ?? []);
    const wrong = spelling.misspelt(Object.keys(body));
    if (wrong !== undefined) throw misspelt(wrong);
    // The headers of the batch's own request are those of each line.
    const lineRequest = Object.create(request, { rawBody: { value: bytes }, body: { value: body } }) as FastifyRequest;
    const prepared = await endpoint.prepare?.(body, lineRequest, context);
    const demand = endpoint.read(prepared?.body ?? body, lineRequest);
    if (isStream(demand.answer)) throw answeredAsAWhole("stream");
    // Its answer would be told as one that is kept and may be asked for while it runs.
    if (endpoint.background?.(body) !== undefined) throw answeredAsAWhole("background");
    const { incoming } = request;
    const labels = labelsOf(request.headers, body);
    const ask: Ask = {
      incoming: { ...incoming, id: requestId, idText: formatRequestId(requestId, context.config.idStyle) },
      principal,
      dialect: endpoint.dialect,
      module: endpoint.module,
      demand,
      body: nothing,
      keepsAnswer: endpoint.keepsAnswer,
      idempotencyKey: "",
      tellsCost: false,
      storeResponse: principal.storeResponse,
      labels,
    };
    const { number, route } = await routes.of(ask);
    const refusal = demand.refuses(route);
    if (refusal !== undefined) throw refusal;
    const { pricing, worstCase } = dearestCase(route.candidates, demand.worst(route));
    return {
      requestId,
      customId: line.customId,
      route: number,
      body: prepared?.bytes ?? bytes,
      headers: { ...demand.headers, ...prepared?.headers },
      estimatedInputTokens: BigInt(demand.needs.inputTokens),
      outputCeiling: outputCeiling(demand.needs, route),
      amountNanoUsd: dearestCostNanoUsd(worstCase, pricing),
      dearest: route.candidates.findIndex((candidate) => candidate.pricing === pricing),
      keepsAnswer: endpoint.keepsAnswer,
      input: prepared?.input ?? nothing,
      endUser: labels.endUser,
      metadataJson: labels.metadataJson,
    };
  }

  return async (line) => {
    const requestId = context.ids.next();
    try {
      return await prepare(line, requestId);
    } catch (thrown) {
      const error = ThroughlineError.from(thrown);
      // The platform's own fault is no fault of a line: the batch is refused, and may be sent again.
      if (error.httpStatus >= 500) throw error;
      return { requestId, customId: line.customId, refusal: toWireError(error), model: modelOf(line.body) };
    }
  };
}

function answeredAsAWhole(param: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `A line of a batch is answered as a whole; leave ${param} out.`, {
    param,
  });
}

const maxModelLength = 256;

function modelOf(body: object): string {
  const model: unknown = Reflect.get(body, "model");
  return typeof model === "string" ? model.slice(0, maxModelLength) : "";
}
