import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static, TObject } from "typebox";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { moduleNameOf } from "../../shared/modules.ts";
import { asksForCost } from "../answers/costs.ts";
import type { OpenStreams } from "../answers/open-streams.ts";
import type { GatewayContext } from "../context.ts";
import { spellingOf } from "../domain/field-spelling.ts";
import { type Admission, principalOf, publicKinds } from "../edge/admission.ts";
import type { Ask } from "../story/ask.ts";
import { idempotencyKeyOf } from "../story/idempotency.ts";
import { noteOrigin } from "../story/incoming.ts";
import { labelsOf, type Said } from "../story/labels.ts";
import { answerAsk } from "./answer-ask.ts";
import { azureRoutes, deploymentOf, deploymentParam, withDeployment } from "./azure.ts";
import type { Endpoint, PaidEndpoint, Sent } from "./paid-endpoint.ts";

/** Puts an endpoint on the edge. */
export function serveEndpoint(
  edge: FastifyInstance,
  context: GatewayContext,
  open: OpenStreams,
  endpoint: Endpoint,
): void {
  const { body } = endpoint;
  const admission = admissionOf(endpoint);
  const bodyLimit = context.config.bodyLimitBytes;
  const spelling = spellingOf(Object.keys(body.properties));
  const serve = async (request: FastifyRequest, reply: FastifyReply) => {
    // The route's schema has checked it.
    const given = request.body as Static<TObject>;
    const ask = await readAsk(context, endpoint, spelling, given, request);
    await answerAsk(context, open, endpoint, ask, { request, reply, background: endpoint.background?.(given) });
  };
  const preValidation = (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void) => {
    const given = request.body;
    if (typeof given !== "object" || given === null || Array.isArray(given)) return done();
    const deployment = deploymentOf(request);
    if (deployment !== undefined) Reflect.set(given, "model", deployment);
    try {
      endpoint.respell?.(given as Record<string, unknown>);
      done();
    } catch (error) {
      done(error as Error);
    }
  };
  for (const path of routesOf(endpoint)) {
    const prepares = endpoint.respell !== undefined || path.includes(deploymentParam) ? { preValidation } : {};
    edge.post(path, { schema: { body }, bodyLimit, config: { admission }, ...prepares }, serve);
  }
}

/** What a body asks of the story. The endpoint's schema has checked it. Throws catalogue errors with the field's path. */
export async function readAsk(
  context: GatewayContext,
  endpoint: Endpoint,
  spelling: ReturnType<typeof spellingOf>,
  given: Static<TObject>,
  request: Sent,
): Promise<Ask> {
  const param = spelling.misspelt(Object.keys(given));
  if (param !== undefined) throw misspelt(param);
  const prepared = endpoint.prepare === undefined ? undefined : await endpoint.prepare(given, request, context);
  const demand = withDeployment(endpoint.read(prepared?.body ?? given, request), request);
  if (prepared === undefined) return askOf(endpoint, request, { demand, body: request.rawBody, said: given });
  return askOf(endpoint, request, {
    demand: { ...demand, headers: { ...demand.headers, ...prepared.headers } },
    body: prepared.bytes,
    input: prepared.input,
    said: given,
  });
}

/** The routes by which an endpoint is reached. */
export function routesOf({ paths, routes, dialect }: PaidEndpoint): readonly string[] {
  return routes ?? (dialect.startsWith("openai.") ? [...paths, ...azureRoutes(paths)] : paths);
}

/** Who may call an endpoint. */
export function admissionOf({
  dialect,
  module,
  secretFirst,
}: Pick<PaidEndpoint, "dialect" | "module" | "secretFirst">): Admission {
  const scope = moduleNameOf(module);
  return { kinds: publicKinds, scope, endpoint: { dialect, module }, fresh: false, secretFirst };
}

/** Puts together what a request asks of the story. */
export function askOf(
  { dialect, module, keepsAnswer }: PaidEndpoint,
  request: Sent,
  given: Pick<Ask, "demand" | "body" | "upload" | "input"> & { readonly said: Said },
): Ask {
  const principal = principalOf(request);
  const { incoming } = request;
  const idempotencyKey = idempotencyKeyOf(request.headers["idempotency-key"]);
  noteOrigin(incoming, {
    idempotencyKey,
    bytes: incoming.formBytes || request.rawBody.length,
  });
  return {
    incoming,
    principal,
    dialect,
    module,
    demand: given.demand,
    body: given.body,
    upload: given.upload,
    input: given.input,
    keepsAnswer,
    tellsCost: asksForCost(request.headers),
    idempotencyKey,
    storeResponse: principal.storeResponse,
    labels: labelsOf(request.headers, given.said),
  };
}

/** Answers a field whose name differs from a known one in its letters' case alone. */
export function misspelt(param: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${param} is spelt like a field of another case.`, { param });
}

/** Those headers of the client that belong to a dialect; what names an account of its vendor never travels on. */
export function dialectHeaders(
  request: Pick<Sent, "headers">,
  names: readonly string[],
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = request.headers[name];
    if (typeof value === "string") found[name] = value;
  }
  return found;
}
