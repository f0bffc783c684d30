import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { OpenStreams } from "../answers/open-streams.ts";
import type { GatewayContext } from "../context.ts";
import { readForm } from "../domain/form.ts";
import { checkFormHead, formMemoryBytes, receiveForm } from "../edge/form.ts";
import { memoryBytes, openSpool } from "../edge/spool.ts";
import { answerAsk } from "./answer-ask.ts";
import { withDeployment, withModelPart } from "./azure.ts";
import { admissionOf, askOf, routesOf } from "./endpoint.ts";
import type { FormEndpoint } from "./paid-endpoint.ts";

/** Puts the endpoints that take forms on the edge: in a scope of its own, where no other body is read. */
export function serveForms(
  edge: FastifyInstance,
  context: GatewayContext,
  open: OpenStreams,
  endpoints: readonly FormEndpoint[],
): void {
  void edge.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    // The form is received by the endpoint, which lets go of it in any case.
    scope.addContentTypeParser("*", (_request, _payload, parsed) => parsed(null));
    for (const endpoint of endpoints) serveForm(scope, context, open, endpoint);
    done();
  });
}

function serveForm(edge: FastifyInstance, context: GatewayContext, open: OpenStreams, endpoint: FormEndpoint): void {
  const { config, spool: room, spent } = context;
  const bodyLimit = config.maxUploadBytes[endpoint.upload];
  const admission = { ...admissionOf(endpoint), memoryBytes: formMemoryBytes };
  const serve = async (request: FastifyRequest, reply: FastifyReply) => {
    checkFormHead(request, bodyLimit);
    const length = Number(request.headers["content-length"] ?? bodyLimit);
    const spool = openSpool({ directory: config.spoolDir, room, spent }, length > memoryBytes ? length : 0);
    try {
      const received = withModelPart(await receiveForm(request, spool, bodyLimit), request);
      const form = readForm(endpoint.form, received.parts);
      const upload = (await endpoint.look?.(received)) ?? received;
      const demand = withDeployment(await endpoint.read(form, upload, request), request);
      const said = { user: form.text("user"), safety_identifier: form.text("safety_identifier") };
      const ask = askOf(endpoint, request, { demand, body: noBytes, upload, said });
      await answerAsk(context, open, endpoint, ask, { request, reply, background: undefined });
    } finally {
      spool.release();
    }
  };
  const described = { form: endpoint.form };
  for (const path of routesOf(endpoint)) edge.post(path, { bodyLimit, config: { admission, described } }, serve);
}

const noBytes = new Uint8Array();
