import type { FastifyRequest } from "fastify";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { KeyKind, type Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { GatewayContext } from "../context.ts";
import type { FormSpec } from "../domain/form.ts";
import { authenticate, authorise, type SecretHeader } from "../story/authenticate.ts";
import { type Incoming, mark } from "../story/incoming.ts";
import { callerAddress } from "./caller-address.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What the edge knows of the request; set by the first hook. */
    incoming: Incoming;
    /** The body as it came. */
    rawBody: Buffer;
  }
  interface FastifyContextConfig {
    /** Who may call the route; absent only where `probe` is true. */
    readonly admission?: Admission;
    /** What the route takes, where no schema of its own says so. */
    readonly described?: { readonly body?: object; readonly form?: FormSpec };
    /** True: answered to anyone, also while no request ID can be issued. */
    readonly probe?: boolean;
    /** True: it reads no body, so an empty one that calls itself JSON is none. */
    readonly bodyless?: boolean;
  }
}

/** Kinds of keys that use the public API: all but administration keys. */
export const publicKinds: readonly KeyKind[] = [KeyKind.API, KeyKind.SERVER, KeyKind.USER];
/** Every kind of key. */
export const everyKind: readonly KeyKind[] = [KeyKind.CLI, ...publicKinds];

/** Who may call a route. Each route but the probes has one: the edge does not start with a route that lacks it. */
export interface Admission {
  readonly kinds: readonly KeyKind[];
  /** Scope that a key needs; absent: any key of these kinds, or the handler decides by the call. */
  readonly scope?: string;
  /** What refusals are recorded as; absent: they leave no record. */
  readonly endpoint?: Incoming["endpoint"];
  /** How many requests it counts as that cost nothing; absent: it costs money. */
  readonly freeRequests?: number;
  /** Most bytes of its body that are kept in memory. Absent: all of it. */
  readonly memoryBytes?: number | ((headers: FastifyRequest["headers"]) => number);
  /** True: nobody checks the key again after this, so it is not taken from the cache. */
  readonly fresh: boolean;
  readonly secretFirst?: SecretHeader | undefined;
}

/**
 * Authenticates a request by its head, before a byte of its body is read: a stranger cannot make the edge keep anything.
 * Throws the refusal. Gives a promise only where the key is not known here.
 */
export function admit(
  context: GatewayContext,
  request: FastifyRequest,
  admission: Admission,
): Promise<void> | undefined {
  const { incoming } = request;
  const { fresh, secretFirst } = admission;
  incoming.endpoint = admission.endpoint;
  const caller = authenticate(context, incoming, request.headers, { fresh, secretFirst, ip: callerAddress(request) });
  if (caller instanceof Promise) return caller.then((principal) => admitCaller(context, request, admission, principal));
  admitCaller(context, request, admission, caller);
  return undefined;
}

function admitCaller(
  context: GatewayContext,
  request: FastifyRequest,
  admission: Admission,
  principal: Principal,
): void {
  const { incoming } = request;
  incoming.principal = principal;
  mark(incoming, "authenticated");
  authorise(principal, admission.scope, admission.kinds, callerAddress(request));
  if (admission.freeRequests === undefined) context.limits.admitPaid(principal.keyId);
  else takeFree(context, principal, admission.freeRequests);
  takeBody(context, request, admission);
}

/** Counts requests that cost nothing. Administration keys are the operators' own: they may ask as often as they like. */
export function takeFree({ limits }: GatewayContext, { kind, keyId }: Principal, requests: number): void {
  if (kind !== KeyKind.CLI) limits.takeFree(keyId, requests);
}

/** Takes room for the body before it is read: a size that was announced, or the largest where none was. */
function takeBody(context: GatewayContext, request: FastifyRequest, { memoryBytes }: Admission): void {
  const { incoming, headers } = request;
  const { "content-length": length, "transfer-encoding": coding } = headers;
  if (length === undefined && coding === undefined) return;
  const most = typeof memoryBytes === "function" ? memoryBytes(headers) : memoryBytes;
  const bodyLimit = most ?? request.routeOptions.bodyLimit;
  const bytes = length === undefined ? bodyLimit : Math.min(Number(length), bodyLimit);
  try {
    context.bodies.take(bytes);
  } catch (error) {
    // Its record would wait in the memory that is full.
    incoming.told = true;
    throw error;
  }
  incoming.bodyBytes = bytes;
}

/** The caller, whom the edge has authenticated. */
export function principalOf(request: Pick<FastifyRequest, "incoming">): Principal {
  const { principal } = request.incoming;
  if (principal === undefined) throw new ThroughlineError("internal_error", "The endpoint did not authenticate.");
  return principal;
}
