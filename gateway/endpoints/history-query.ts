import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { KeyKind, type Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { OwnerSchema, RecordStatus } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import { parseRequestId } from "../../shared/request-id.ts";
import { streamInPieces } from "../answers/json-in-pieces.ts";
import type { GatewayContext } from "../context.ts";
import { type Admission, principalOf, publicKinds } from "../edge/admission.ts";
import { statuses } from "../view/history-item.ts";

const own = "/bp/ai/ai_request/history";
const ofUser = "/bp/server/user/:user_id/ai/ai_request/history";
/** Most IDs of one deletion. */
const maxDeleted = 1_000;

interface UserPath {
  Params: { user_id?: string };
}

/** The history API of the platform: query and delete, of the caller's own records or of one user of a server key. */
export function historyQuery(edge: FastifyInstance, context: GatewayContext): void {
  const owner = (request: FastifyRequest<UserPath>) => {
    const { user_id } = request.params;
    // A back end that had no user to name must not be given everybody's, nor delete it.
    if (user_id === "") throw invalid("user_id", "must not be empty");
    return ownerOf(principalOf(request), user_id);
  };
  const options = (request: FastifyRequest) => ({
    requestId: request.incoming.id,
    traceparent: request.incoming.span.traceparent,
    timeoutMs: context.config.callTimeoutMs,
  });

  const query = async (request: FastifyRequest<UserPath>, reply: FastifyReply) => {
    const whose = owner(request);
    const asked = { kind: "query", request: { owner: whose, ...queryOf(request.query) } } as const;
    const { chunks, bytes } = await context.pages.write(asked, options(request));
    reply.type("application/json; charset=utf-8").header("content-length", bytes);
    return reply.send(chunks.length === 1 ? chunks[0] : streamInPieces(reply.raw, chunks, context.pacing.pace()));
  };
  for (const path of [`${own}/query`, "/ai_request/history/query", `${ofUser}/query`]) {
    edge.get<UserPath>(path, admitted(path, "history.read"), query);
  }
  for (const path of [`${own}/delete`, `${ofUser}/delete`]) {
    edge.post<UserPath>(path, admitted(path, "history.delete"), async (request, reply) => {
      const whose = owner(request);
      await context.history.deleteRecords({ owner: whose, requestIds: idsOf(request.body) }, options(request));
      return reply.code(200).send();
    });
  }
}

function admitted(path: string, scope: string): { config: { admission: Admission } } {
  const kinds = path.startsWith(ofUser) ? [KeyKind.SERVER] : publicKinds;
  return { config: { admission: { kinds, scope, freeRequests: 1, fresh: true } } };
}

/** Whose records are asked for. */
export type Owner = MessageInitShape<typeof OwnerSchema>;

/** Whose records a key sees: a user key its user's, a server key the named user's or its account's, an API key its own. */
export function ownerOf(principal: Principal, userId: string | undefined): Owner {
  const { accountId } = principal;
  if (userId !== undefined) return { accountId, userId };
  if (principal.kind === KeyKind.USER) return { accountId, userId: principal.userId };
  if (principal.kind === KeyKind.SERVER) return { accountId };
  return { accountId, keyId: principal.keyId };
}

/** The query string, checked. Throws invalid_value or missing_required_field with the parameter's name. */
export function queryOf(query: unknown) {
  const given = typeof query === "object" && query !== null ? Object.entries(query) : [];
  const values = new Map<string, string>();
  for (const [name, value] of given) {
    if (Array.isArray(value)) throw invalid(name, "is given more than once");
    values.set(name, String(value));
  }
  const start = time(values, "start_time");
  const end = time(values, "end_time");
  const fromAppserver = values.get("from_appserver");
  if (fromAppserver !== undefined && fromAppserver !== "true" && fromAppserver !== "false") {
    throw invalid("from_appserver", "must be true or false");
  }
  return {
    page: integer(values, "page", 100),
    pageSize: integer(values, "page_size", 1_000),
    ...(start === undefined ? {} : { startUnixMs: start }),
    // To history 0 and less is no bound; nothing is older than the first millisecond either.
    ...(end === undefined ? {} : { endUnixMs: end <= 0n ? 1n : end }),
    statuses: statusesOf(values.get("status")),
    ...(fromAppserver === undefined ? {} : { fromAppserver: fromAppserver === "true" }),
  };
}

function integer(values: ReadonlyMap<string, string>, name: string, max: number): number {
  const text = values.get(name);
  if (text === undefined || text === "") {
    throw new ThroughlineError("missing_required_field", `${name} is required.`, { param: name });
  }
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max) throw invalid(name, `must be a whole number from 1 to ${max}`);
  return value;
}

/** Any int64: "no bound" is written as the least or the greatest of them too. */
function time(values: ReadonlyMap<string, string>, name: string): bigint | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  const value = /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || BigInt.asIntN(64, value) !== value) {
    throw invalid(name, "must be a Unix time in milliseconds");
  }
  return value;
}

function statusesOf(text: string | undefined): RecordStatus[] {
  if (text === undefined) return [];
  return text.split(",").map((name) => {
    const status = Object.hasOwn(statuses, name) ? statuses[name] : undefined;
    if (status === undefined) throw invalid("status", `must be a comma list of ${Object.keys(statuses).join(", ")}`);
    return status;
  });
}

/** The IDs of a deletion: either spelling; a text that is no ID names nothing, which is fine. */
function idsOf(body: unknown): bigint[] {
  const list: unknown = typeof body === "object" && body !== null ? Reflect.get(body, "request_ids") : undefined;
  if (list === undefined) {
    throw new ThroughlineError("missing_required_field", "request_ids is required.", { param: "request_ids" });
  }
  if (!Array.isArray(list) || list.length === 0) throw invalid("request_ids", "must be a list of at least one ID");
  if (list.length > maxDeleted) throw invalid("request_ids", `must have at most ${maxDeleted} IDs`);
  return list.flatMap((id: unknown, index) => {
    if (typeof id !== "string") throw invalid(`request_ids[${index}]`, "must be a string");
    return parseRequestId(id) ?? [];
  });
}

function invalid(param: string, what: string): ThroughlineError {
  return new ThroughlineError("invalid_value", `${param} ${what}.`, { param });
}
