import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static, TObject } from "typebox";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { OpenStreams } from "../answers/open-streams.ts";
import type { GatewayContext } from "../context.ts";
import { readForm, type Upload } from "../domain/form.ts";
import { checkFormHead, formMemoryBytes, isForm, receiveForm } from "../edge/form.ts";
import { memoryBytes, openSpool, type Spool } from "../edge/spool.ts";
import { validationError } from "../edge/validation.ts";
import { answerAsk } from "./answer-ask.ts";
import { deploymentOf, withDeployment, withModelPart } from "./azure.ts";
import { admissionOf, askOf, routesOf } from "./endpoint.ts";
import type { FormEndpoint, JsonForm } from "./paid-endpoint.ts";

/** Puts the endpoints that take forms on the edge: each kind in a scope of its own, by what else it reads. */
export function serveForms(
  edge: FastifyInstance,
  context: GatewayContext,
  open: OpenStreams,
  endpoints: readonly FormEndpoint[],
): void {
  for (const readsJson of [false, true]) {
    void edge.register((scope, _options, done) => {
      if (!readsJson) scope.removeAllContentTypeParsers();
      // A form is received by the endpoint, which lets go of it in any case.
      scope.addContentTypeParser("*", (_request, _payload, parsed) => parsed(null));
      for (const endpoint of endpoints) {
        if ((endpoint.json !== undefined) === readsJson) serveForm(scope, context, open, endpoint);
      }
      done();
    });
  }
}

function serveForm(edge: FastifyInstance, context: GatewayContext, open: OpenStreams, endpoint: FormEndpoint): void {
  const { config, spool: room, spent } = context;
  const { json } = endpoint;
  const formLimit = config.maxUploadBytes[endpoint.upload];
  const admission = {
    ...admissionOf(endpoint),
    memoryBytes: (headers: FastifyRequest["headers"]) =>
      json === undefined || isForm(headers) ? formMemoryBytes : config.bodyLimitBytes,
  };
  const serve = async (request: FastifyRequest, reply: FastifyReply) => {
    let opened: Spool | undefined;
    const openFor = (bytes: number): Spool => {
      if (bytes > formLimit) throw filesTooLarge(formLimit);
      opened = openSpool({ directory: config.spoolDir, room, spent }, bytes > memoryBytes ? bytes : 0);
      return opened;
    };
    try {
      const isJson = json !== undefined && request.rawBody !== undefined;
      const received = isJson
        ? await formOfJson(context, request, json, openFor)
        : await formOf(request, formLimit, openFor);
      const form = readForm(endpoint.form, received.parts);
      const upload = (await endpoint.look?.(received)) ?? received;
      const demand = withDeployment(await endpoint.read(form, upload, request), request);
      const said = { user: form.text("user"), safety_identifier: form.text("safety_identifier") };
      const ask = askOf(endpoint, request, { demand, body: noBytes, upload, said });
      await answerAsk(context, open, endpoint, ask, { request, reply, background: undefined });
    } finally {
      opened?.release();
    }
  };
  const described = { form: endpoint.form, ...(json === undefined ? {} : { body: json.schema }) };
  const bodyLimit = json === undefined ? formLimit : config.bodyLimitBytes;
  for (const path of routesOf(endpoint)) edge.post(path, { bodyLimit, config: { admission, described } }, serve);
}

async function formOf(request: FastifyRequest, formLimit: number, openFor: (bytes: number) => Spool): Promise<Upload> {
  checkFormHead(request, formLimit);
  const spool = openFor(Number(request.headers["content-length"] ?? formLimit));
  return withModelPart(await receiveForm(request, spool, formLimit), request);
}

/** The form that the JSON says, which the edge has read. */
async function formOfJson(
  context: GatewayContext,
  request: FastifyRequest,
  { schema, receive }: JsonForm,
  openFor: (bytes: number) => Spool,
): Promise<Upload> {
  const given = request.body;
  const deployment = deploymentOf(request);
  if (deployment !== undefined && typeof given === "object" && given !== null) Reflect.set(given, "model", deployment);
  const validate = request.compileValidationSchema(schema);
  if (!validate(given)) throw validationError(validate.errors ?? []);
  return receive(context, request, given as Static<TObject>, openFor);
}

function filesTooLarge(formLimit: number): ThroughlineError {
  return new ThroughlineError("request_too_large", `The files exceed ${Math.floor(formLimit / 1024 / 1024)} MB.`);
}

const noBytes = new Uint8Array();
