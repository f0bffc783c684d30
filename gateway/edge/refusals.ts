import type { FastifyRequest } from "fastify";
import type { ThroughlineError } from "../../shared/errors/error.ts";
import { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { GatewayContext } from "../context.ts";
import { recordRefusal } from "../story/finish.ts";

/** Longest model name that is kept of a request that was refused unchecked. */
const maxModelLength = 128;

/**
 * Records a request of a known caller that was refused before its story began: a body that is not valid, a key that may
 * not call the endpoint. Nothing of the body is trusted or kept but the model's name.
 */
export function recordUntold(context: GatewayContext, request: FastifyRequest, error: ThroughlineError): void {
  const { incoming, body } = request;
  const { principal, dialect } = incoming;
  if (principal === undefined || dialect === undefined || incoming.told) return;
  incoming.told = true;
  const model: unknown = typeof body === "object" && body !== null ? Reflect.get(body, "model") : undefined;
  recordRefusal(
    context,
    {
      incoming,
      principal,
      dialect,
      module: Module.CHAT,
      model: typeof model === "string" ? model.slice(0, maxModelLength) : "",
      stream: false,
      includeUsage: false,
      body: new Uint8Array(),
      estimate: { tokens: 0, images: 0, audio: false },
      tools: false,
      structuredOutput: false,
      maxOutputTokens: 0,
      maxOutputField: "",
      choices: 1,
      headers: {},
      affinity: "",
      idempotencyKey: "",
      storeResponse: principal.storeResponse,
    },
    undefined,
    error,
  );
}
