import { initTRPC } from "@trpc/server";
import type { FastifyReply, FastifyRequest } from "fastify";
import { KeyKind, type Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { CallOptions } from "../../shared/rpc/index.ts";
import type { GatewayContext } from "../context.ts";
import { everyKind as everyone, principalOf, publicKinds } from "../edge/admission.ts";
import { callerAddress } from "../edge/caller-address.ts";
import { operatorsOnly } from "../reach.ts";
import { authenticate, authorise } from "../story/authenticate.ts";
import type { Incoming } from "../story/incoming.ts";
import type { Documents } from "./documents.ts";
import { errorData, platformError, rpcCode } from "./errors.ts";
import { stateBefore } from "./trail-before.ts";
import { targetOf, valuesOf } from "./trail-values.ts";
import type { Work } from "./work.ts";

/** What is said of a procedure beside its types. */
interface Meta {
  /** The endpoint whose work it does, where it costs money. */
  readonly endpoint?: Work["endpoint"];
}

/** What a procedure works with. One is made a request, which may bear several calls. */
export interface TrpcContext {
  readonly gateway: GatewayContext;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly incoming: Incoming;
  /** True: other calls came with it in one request. */
  readonly batched: boolean;
  /** IDs of calls that failed and have one of their own. */
  readonly failed: WeakMap<Error, string>;
  /** Whether the procedure of a path costs money. */
  readonly isPaid: (path: string) => boolean;
  /** What was written before the answer is. */
  readonly documents: Documents;
  /** Who calls: the edge has authenticated the request. */
  readonly caller: Principal;
  /** Who calls, asked anew. */
  readonly whoCallsNow: () => Promise<Principal>;
  /** The caller's address. */
  readonly ip: string;
  /** How many changes this request has asked for: a batch has several. */
  readonly calls: { count: number };
  /** Aborts when the gateway stops: subscriptions end. */
  readonly stopping: AbortSignal;
}

/** The context of a request. */
export function createTrpcContext(
  gateway: GatewayContext,
  {
    request,
    reply,
    batched,
    isPaid,
    documents,
  }: Pick<TrpcContext, "request" | "reply" | "batched" | "isPaid" | "documents">,
  stopping: AbortSignal,
): TrpcContext {
  const { incoming } = request;
  return {
    gateway,
    request,
    reply,
    incoming,
    batched,
    isPaid,
    documents,
    failed: new WeakMap(),
    caller: principalOf(request),
    whoCallsNow: async () =>
      authenticate(gateway, incoming, request.headers, { fresh: true, ip: callerAddress(request) }),
    ip: callerAddress(request),
    calls: { count: 0 },
    stopping,
  };
}

const pingEveryMs = 15_000;

const t = initTRPC
  .context<TrpcContext>()
  .meta<Meta>()
  .create({
    isDev: false,
    sse: { ping: { enabled: true, intervalMs: pingEveryMs }, client: { reconnectAfterInactivityMs: 3 * pingEveryMs } },
    errorFormatter: ({ shape, error, ctx, path = "" }) => {
      const platform = platformError(error);
      const ownId = error.cause === undefined ? undefined : ctx?.failed.get(error.cause);
      return {
        message: platform.message,
        code: rpcCode(platform, ctx?.isPaid(path) ?? false),
        data: errorData(platform, ownId ?? ctx?.incoming.idText ?? "", shape.data.path),
      };
    },
  });

/** Makes a router. */
export const { router } = t;

/** A procedure that any key may call whose endpoint lets it: the edge, or the call itself, asks. */
export const { procedure } = t;

/** Options of a call to a service on behalf of a request. */
export function callOptions({ gateway, incoming }: TrpcContext, timeoutMs = gateway.config.callTimeoutMs): CallOptions {
  return { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs };
}

/** A procedure for keys of these kinds; `scope` says which right a key of its kind needs; undefined: none. */
function procedureFor(kinds: readonly KeyKind[], scope: (kind: KeyKind) => string | undefined, operators = false) {
  return t.procedure.use(async ({ ctx, next }) => {
    const principal = ctx.caller;
    authorise(principal, scope(principal.kind), kinds, ctx.ip);
    if (operators) operatorsOnly(principal);
    /** For what lasts: refuses a key that was revoked, has expired or lost its right or its reach since. */
    const mayStill = async () => {
      const now = await ctx.whoCallsNow();
      authorise(now, scope(now.kind), kinds, ctx.ip);
      if (principal.operator) operatorsOnly(now);
    };
    return next({ ctx: { ...ctx, principal, mayStill } });
  });
}

/** What every event of a call says. @param target what it is about, where the input does not say. */
function eventOf({ incoming, caller, ip, calls }: TrpcContext, procedure: string, input: unknown, target = "") {
  const call = calls.count;
  calls.count = call + 1;
  return {
    requestId: incoming.id,
    call,
    procedure,
    actorKeyId: caller.keyId,
    actor: caller.keyPrefix,
    actorAccountId: caller.accountId,
    address: ip,
    target: targetOf(input) || target,
  };
}

/** Whose changes leave a trail. */
interface Trailing {
  /** True: a key of any kind changes itself, and names nothing. False: administration keys; what users do with their own leaves none. */
  readonly ofSelf: boolean;
}

/**
 * Leaves a trail of what is changed. That a change is asked for is durable before it is made, with what it is about
 * as it was, and one that cannot be entered is refused: none is made that nobody can be asked about. Its outcome follows it, with both.
 */
const trailed = ({ ofSelf }: Trailing = { ofSelf: false }) =>
  t.middleware(async ({ ctx, path, getRawInput, next }) => {
    const { gateway, incoming, caller } = ctx;
    if (!ofSelf && caller.kind !== KeyKind.CLI) return next();
    const input = await getRawInput();
    const event = eventOf(ctx, path, input, ofSelf ? caller.keyId.toString() : "");
    const options = callOptions(ctx);
    const before = await stateBefore(path, { gateway, caller, options, input });
    const beforeJson = before === undefined ? "" : valuesOf(before);
    await gateway.billing.recordAdministration(
      { event: { ...event, beforeJson, valuesJson: valuesOf(input) } },
      options,
    );
    const result = await next();
    const outcome = result.ok ? "done" : platformError(result.error).code;
    const target = event.target || (result.ok ? targetOf(result.data) : "");
    const afterJson = result.ok ? valuesOf(result.data) : "";
    try {
      await gateway.billing.recordAdministration(
        { event: { ...event, target, outcome, beforeJson, afterJson } },
        options,
      );
    } catch (error) {
      // The change is made or refused by now, and what was asked for is in the trail.
      const { idText } = incoming;
      gateway.log.error({ err: error, request_id: idText, procedure: path, outcome }, "an outcome is not in the trail");
    }
    return result;
  });

/** The outcome of a read: it is entered before the answer is given, and one that cannot be entered is refused. */
const readOutcome = "read";

/** Leaves a trail of the contents that administration keys read: what others asked and were answered. */
const readTrailed = t.middleware(async ({ ctx, path, getRawInput, next }) => {
  const input = await getRawInput();
  if (ctx.caller.kind !== KeyKind.CLI || !readsContents(path, input)) return next();
  const event = { ...eventOf(ctx, path, input), valuesJson: valuesOf(input), outcome: readOutcome };
  await ctx.gateway.billing.recordAdministration({ event }, callOptions(ctx));
  return next();
});

/** A list shows contents only where they are asked for. */
function readsContents(path: string, input: unknown): boolean {
  if (path !== "requests.list") return true;
  return typeof input === "object" && input !== null && Reflect.get(input, "with_payload") === true;
}

const administration = [KeyKind.CLI];

/** Reads of what accounts have: administration keys with the scope admin.read. The procedure asks for `reachedAccount`. */
export const adminRead = procedureFor(administration, () => "admin.read");
/** Changes to what accounts have: administration keys with the scope admin.write. The procedure asks for `reachedAccount`. */
export const adminWrite = procedureFor(administration, () => "admin.write").use(trailed());
/** Reads of what concerns the whole platform: the same, of an operator's account. */
export const platformRead = procedureFor(administration, () => "admin.read", true);
/** Changes to what concerns the platform, money and limits of accounts among it: the same, of an operator's account. */
export const platformWrite = procedureFor(administration, () => "admin.write", true).use(trailed());
/** Reads of records: an operator's administration key's of everybody, a tenant's of its account, any other's of its own. */
export const ownRead = procedureFor(everyone, (kind) => (kind === KeyKind.CLI ? "admin.read" : "history.read"));
/** Reads of records with what was asked and answered, likewise. */
export const contentsRead = ownRead.use(readTrailed);
/** Deletions of records, likewise. */
export const ownDelete = procedureFor(everyone, (kind) =>
  kind === KeyKind.CLI ? "admin.write" : "history.delete",
).use(trailed());
/** Reads of jobs: of an administration key's account, of any other key its own. */
export const ownJobs = procedureFor(everyone, (kind) => (kind === KeyKind.CLI ? "admin.read" : undefined));
/** Changes to jobs, likewise. */
export const ownJobsChange = procedureFor(everyone, (kind) => (kind === KeyKind.CLI ? "admin.write" : undefined)).use(
  trailed(),
);
/** What a key does with its videos. */
export const ownVideos = procedureFor(publicKinds, () => "video");
/** What every key may ask of itself. */
export const ofSelf = procedureFor(everyone, () => undefined);
/** What every key may change of itself. */
export const changeOfSelf = ofSelf.use(trailed({ ofSelf: true }));
