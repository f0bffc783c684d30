import type { ServerResponse } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Static, TObject } from "typebox";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { moduleNameOf } from "../../shared/modules.ts";
import { createBytesAnswer } from "../answers/bytes.ts";
import { asksForCost, type InBandCost, namedInBandCost } from "../answers/costs.ts";
import { createEventsAnswer } from "../answers/events.ts";
import type { InBand } from "../answers/in-band.ts";
import type { InBandError } from "../answers/in-band-errors.ts";
import { createJsonAnswer } from "../answers/json.ts";
import { createListAnswer } from "../answers/list.ts";
import type { OpenStreams } from "../answers/open-streams.ts";
import type { GatewayConfig } from "../config.ts";
import type { GatewayContext } from "../context.ts";
import { spellingOf } from "../domain/field-spelling.ts";
import { type Form, type FormSpec, readForm, type Upload } from "../domain/form.ts";
import { type Admission, principalOf, publicKinds } from "../edge/admission.ts";
import { checkFormHead, formMemoryBytes, receiveForm } from "../edge/form.ts";
import { memoryBytes, openSpool } from "../edge/spool.ts";
import type { Answer, Ask } from "../story/ask.ts";
import type { SecretHeader } from "../story/authenticate.ts";
import type { AnswerKind, Demand } from "../story/demand.ts";
import { idempotencyKeyOf } from "../story/idempotency.ts";
import { noteOrigin } from "../story/incoming.ts";
import { beginCall } from "../story/job-story.ts";
import { labelsOf, type Said } from "../story/labels.ts";
import { acceptedStatus, type Later, prefersLater } from "../story/later.ts";
import { tellStory } from "../story/story.ts";
import { toJobView } from "../view/job.ts";
import { azureRoutes, deploymentOf, deploymentParam, withDeployment, withModelPart } from "./azure.ts";
import { callbackUrlOf } from "./jobs/callback.ts";
import { sendObject } from "./objects/send.ts";

/** What an endpoint sees of a request beside its checked body, however it was sent. */
export type Sent = Pick<FastifyRequest, "incoming" | "headers" | "rawBody" | "params" | "query">;

/** What every endpoint that costs money says. What is particular to its module is in its Demand. */
export interface PaidEndpoint {
  /** Paths that clients use, each for the same. */
  readonly paths: readonly string[];
  /** The same as routes, where an address has more in it than a path. Absent: the paths, and those that Azure has for them. */
  readonly routes?: readonly string[];
  /** Its name is the scope that a key needs. */
  readonly module: Module;
  /** Client's dialect. */
  readonly dialect: string;
  /** Header whose secret counts where a client sends two. */
  readonly secretFirst?: SecretHeader;
  /** How an error is told inside a stream. */
  readonly inBandError: InBandError;
  /** True: an answer of bytes whose client asks for the cost is given at its end, with the cost in its head. */
  readonly waitsForCost?: boolean;
  /** How the cost is told inside a stream. Absent: as an event with a name. */
  readonly inBandCost?: InBandCost;
  /** As `Ask.keepsAnswer`. */
  readonly keepsAnswer: boolean;
}

/** One that takes JSON. */
export interface Endpoint<S extends TObject = TObject> extends PaidEndpoint {
  /** Schema of the body. */
  readonly body: S;
  /** Puts a body into the form that the schema checks: only what is read of it changes, never what travels on. */
  respell?(body: Record<string, unknown>): void;
  /** Checks what a schema cannot say and reads the body. Throws catalogue errors with the field's path. */
  read(body: Static<S>, request: Sent): Demand;
  /** What the client of a body that asks to be answered later gets now. Absent: no body does. */
  background?(body: Static<S>): Later | undefined;
  /** What must be looked up before a body can be read. Absent: nothing. Throws as `read` does. */
  prepare?(body: Static<S>, request: Sent, context: GatewayContext): Promise<PreparedBody<Static<S>>>;
}

/** A body as it is read and as it travels on. */
export interface PreparedBody<B> {
  readonly body: B;
  readonly bytes: Uint8Array;
  /** What it says to the dialect beside the client's headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** As `Ask.input`. */
  readonly input: Uint8Array;
}

/** One that takes a form with files. */
export interface FormEndpoint extends PaidEndpoint {
  readonly form: FormSpec;
  /** Whose limit holds for its size. */
  readonly upload: keyof GatewayConfig["maxUploadBytes"];
  /** What the bytes of its files tell of them. Absent: nothing is looked at. Throws catalogue errors with the name of the part. */
  look?(upload: Upload): Promise<Upload>;
  /** Checks what a spec cannot say and reads the form, and of its files what the reservation goes by. */
  read(form: Form, upload: Upload, request: FastifyRequest): Promise<Demand>;
}

/** What makes the answer of each kind. */
const createAnswer: Readonly<
  Record<AnswerKind, (response: ServerResponse, open: OpenStreams, inBand: InBand) => Answer>
> = {
  json: createJsonAnswer,
  events: createEventsAnswer,
  bytes: (response, _open, { tellsCost }) => createBytesAnswer(response, tellsCost),
  list: createListAnswer,
};

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

function askOf(
  { dialect, module, keepsAnswer }: PaidEndpoint,
  request: Sent,
  given: Pick<Ask, "demand" | "body" | "upload" | "input"> & { readonly said: Said },
): Ask {
  const principal = principalOf(request);
  const { incoming } = request;
  const idempotencyKey = idempotencyKeyOf(request.headers["idempotency-key"]);
  noteOrigin(incoming, {
    idempotencyKey,
    bytes: given.upload === undefined ? request.rawBody.length : incoming.formBytes,
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

async function answerAsk(
  context: GatewayContext,
  open: OpenStreams,
  { inBandError, inBandCost = namedInBandCost, waitsForCost = false }: PaidEndpoint,
  ask: Ask,
  { request, reply, background }: Asking,
): Promise<void> {
  const later = background ?? (prefersLater(request.headers.prefer, ask) ? asJob : undefined);
  if (later !== undefined) return answerLater(context, ask, { request, reply }, later);
  const { tellsCost, incoming } = ask;
  const inBand = { requestId: incoming.idText, error: inBandError, cost: inBandCost, tellsCost };
  const kind = tellsCost && waitsForCost ? "json" : ask.demand.answer;
  await tell(context, ask, createAnswer[kind](reply.raw, open, inBand));
  reply.hijack();
}

/** Tells the story of a request that is counted among those that run. Throws as `tellStory` does. */
export async function tell(context: GatewayContext, ask: Ask, answer: Answer): Promise<void> {
  context.running.entered();
  context.pacing.begun();
  try {
    await tellStory(context, ask, answer);
    context.limits.served(ask.principal.keyId);
  } finally {
    context.pacing.ended();
    context.running.left();
  }
}

/** The connection of a request, and whether its body says that it is answered later. */
interface Asking {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly background: Later | undefined;
}

/** Whoever prefers to be answered later gets the job. */
const asJob: Later = { httpStatus: acceptedStatus, view: Buffer.from("{}"), show: toJobView };

/** Answers with a job at once; its result is asked for later. */
async function answerLater(
  context: GatewayContext,
  asked: Ask,
  { request, reply }: Pick<Asking, "request" | "reply">,
  later: Later,
): Promise<void> {
  const callbackUrl = await callbackUrlOf(context, request, undefined);
  // A repeat that says it otherwise is another request.
  const demand = { ...asked.demand, addressed: `${asked.demand.addressed ?? ""} later` };
  context.running.entered();
  try {
    await beginCall(context, { ...asked, demand }, createJsonAnswer(reply.raw), { ...later, callbackUrl }, () =>
      keepForm(context, asked),
    );
    context.limits.served(asked.principal.keyId);
  } finally {
    context.running.left();
  }
  reply.hijack();
}

/** A form that nobody needs any more is removed with its job; one whose job never came, a while after a job's longest life. */
const formSpareMs = 3_600_000;

/** Keeps the bytes of a form's files as an object with the ID of the request. */
async function keepForm(context: GatewayContext, { incoming, principal, upload }: Ask): Promise<bigint> {
  if (upload === undefined) return 0n;
  const { source } = upload;
  const object = { objectId: incoming.id, accountId: principal.accountId };
  const options = {
    requestId: incoming.id,
    traceparent: incoming.span.traceparent,
    timeoutMs: context.config.callTimeoutMs,
  };
  await context.jobs.beginObject({ ...object, contentType: "application/octet-stream" }, options);
  const lifeMs = context.config.laterTimeoutMs + formSpareMs;
  await sendObject(context, incoming, source, { ...object, lifeMs, offset: 0, length: source.length });
  return incoming.id;
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
