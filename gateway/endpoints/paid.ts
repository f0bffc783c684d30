import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Static, TObject } from "typebox";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { createJsonAnswer, createStreamAnswer, type InBandError, type OpenStreams } from "../answers/answers.ts";
import type { GatewayContext } from "../context.ts";
import { spellingOf } from "../domain/field-spelling.ts";
import { type Admission, principalOf, publicKinds } from "../edge/admission.ts";
import type { Answer, Ask } from "../story/ask.ts";
import type { SecretHeader } from "../story/authenticate.ts";
import { idempotencyKeyOf } from "../story/idempotency.ts";
import { tellStory } from "../story/story.ts";

/** What a dialect reads from its checked body: the part of an Ask that is its own. */
export type Reading = Pick<
  Ask,
  | "model"
  | "stream"
  | "includeUsage"
  | "estimate"
  | "tools"
  | "structuredOutput"
  | "maxOutputTokens"
  | "maxOutputField"
  | "choices"
  | "headers"
  | "affinity"
>;

/** An endpoint that costs money: POST, JSON in, JSON or a stream out. */
export interface PaidEndpoint<S extends TObject> {
  readonly path: string;
  /** Scope that a key needs. */
  readonly scope: string;
  readonly module: Module;
  /** Client's dialect. */
  readonly dialect: string;
  /** Schema of the body. */
  readonly body: S;
  /** Header whose secret counts where a client sends two. */
  readonly secretFirst?: SecretHeader;
  readonly inBandError: InBandError;
  /** Checks what a schema cannot say and reads the body. Throws catalogue errors with the field's path. */
  read(body: Static<S>, request: FastifyRequest): Reading;
}

/** Puts a paid endpoint on the edge. */
export function paidEndpoint<S extends TObject>(
  edge: FastifyInstance,
  context: GatewayContext,
  open: OpenStreams,
  endpoint: PaidEndpoint<S>,
): void {
  const { path, scope, dialect, module, body, inBandError, secretFirst } = endpoint;
  const admission: Admission = { kinds: publicKinds, scope, dialect, fresh: false, secretFirst };
  const bodyLimit = context.config.bodyLimitBytes;
  const spelling = spellingOf(Object.keys(body.properties));
  edge.post(path, { schema: { body }, bodyLimit, config: { admission } }, async (request, reply) => {
    const { incoming } = request;
    const principal = principalOf(request);
    // The route's schema has checked it.
    const given = request.body as Static<S>;
    const param = spelling.misspelt(Object.keys(given));
    if (param !== undefined) throw misspelt(param);
    const ask: Ask = {
      ...endpoint.read(given, request),
      incoming,
      principal,
      dialect,
      module,
      body: request.rawBody,
      idempotencyKey: idempotencyKeyOf(request.headers["idempotency-key"]),
      storeResponse: principal.storeResponse,
    };
    const answer: Answer = ask.stream
      ? createStreamAnswer(reply.raw, open, incoming.idText, inBandError)
      : createJsonAnswer(reply.raw);
    context.running.entered();
    try {
      await tellStory(context, ask, answer);
      context.limits.served(principal.keyId);
    } finally {
      context.running.left();
    }
    reply.hijack();
  });
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
