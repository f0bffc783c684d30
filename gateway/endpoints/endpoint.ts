import type { ServerResponse } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static, TObject } from "typebox";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { moduleNameOf } from "../../shared/modules.ts";
import { createBytesAnswer } from "../answers/bytes.ts";
import { createEventsAnswer } from "../answers/events.ts";
import type { InBandError } from "../answers/in-band-errors.ts";
import { createJsonAnswer } from "../answers/json.ts";
import type { OpenStreams } from "../answers/open-streams.ts";
import type { GatewayContext } from "../context.ts";
import { spellingOf } from "../domain/field-spelling.ts";
import { type Admission, principalOf, publicKinds } from "../edge/admission.ts";
import type { Answer, Ask } from "../story/ask.ts";
import type { SecretHeader } from "../story/authenticate.ts";
import type { AnswerKind, Demand } from "../story/demand.ts";
import { idempotencyKeyOf } from "../story/idempotency.ts";
import { tellStory } from "../story/story.ts";

/** An endpoint that costs money: JSON in; JSON or events out. What is particular to its module is in its Demand. */
export interface Endpoint<S extends TObject = TObject> {
  /** Paths that clients use, each for the same. */
  readonly paths: readonly string[];
  /** Its name is the scope that a key needs. */
  readonly module: Module;
  /** Client's dialect. */
  readonly dialect: string;
  /** Schema of the body. */
  readonly body: S;
  /** Header whose secret counts where a client sends two. */
  readonly secretFirst?: SecretHeader;
  /** How an error is told inside a stream. */
  readonly inBandError: InBandError;
  /** As `Ask.keepsAnswer`. */
  readonly keepsAnswer: boolean;
  /** Checks what a schema cannot say and reads the body. Throws catalogue errors with the field's path. */
  read(body: Static<S>, request: FastifyRequest): Demand;
}

/** What makes the answer of each kind. */
const createAnswer: Readonly<
  Record<AnswerKind, (response: ServerResponse, open: OpenStreams, requestId: string, inBand: InBandError) => Answer>
> = { json: createJsonAnswer, events: createEventsAnswer, bytes: createBytesAnswer };

/** Puts an endpoint on the edge. */
export function serveEndpoint(
  edge: FastifyInstance,
  context: GatewayContext,
  open: OpenStreams,
  endpoint: Endpoint,
): void {
  const { dialect, module, body, inBandError, secretFirst, keepsAnswer } = endpoint;
  const scope = moduleNameOf(module);
  const admission: Admission = { kinds: publicKinds, scope, endpoint: { dialect, module }, fresh: false, secretFirst };
  const bodyLimit = context.config.bodyLimitBytes;
  const spelling = spellingOf(Object.keys(body.properties));
  const serve = async (request: FastifyRequest, reply: FastifyReply) => {
    const { incoming } = request;
    const principal = principalOf(request);
    // The route's schema has checked it.
    const given = request.body as Static<TObject>;
    const param = spelling.misspelt(Object.keys(given));
    if (param !== undefined) throw misspelt(param);
    const ask: Ask = {
      incoming,
      principal,
      dialect,
      module,
      demand: endpoint.read(given, request),
      body: request.rawBody,
      keepsAnswer,
      idempotencyKey: idempotencyKeyOf(request.headers["idempotency-key"]),
      storeResponse: principal.storeResponse,
    };
    const answer = createAnswer[ask.demand.answer](reply.raw, open, incoming.idText, inBandError);
    context.running.entered();
    try {
      await tellStory(context, ask, answer);
      context.limits.served(principal.keyId);
    } finally {
      context.running.left();
    }
    reply.hijack();
  };
  for (const path of endpoint.paths) edge.post(path, { schema: { body }, bodyLimit, config: { admission } }, serve);
}

function misspelt(param: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${param} is spelt in lower case.`, { param });
}

/** Those headers of the client that belong to a dialect; what names an account of its vendor never travels on. */
export function dialectHeaders(request: FastifyRequest, names: readonly string[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = request.headers[name];
    if (typeof value === "string") found[name] = value;
  }
  return found;
}
