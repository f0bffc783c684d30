import { tracked } from "@trpc/server";
import { z } from "zod";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { formatRequestId, parseRequestId } from "../../shared/request-id.ts";
import { askAgainMs, findRequest, idForms, unknownRequest } from "../endpoints/find-request.ts";
import { jobLifeOf } from "../endpoints/requests.ts";
import { recordOf } from "../view/history-item.ts";
import { requestRow, requestWithResponse } from "../view/request-life.ts";
import { direction, id, limit, requestId, text } from "./input.ts";
import { callOptions, contentsRead, ownDelete, ownRead, router } from "./procedures.ts";
import { filter, filterOf, ownerOfCaller, ownerOfFilter } from "./request-filter.ts";
import { tailRecords } from "./tail.ts";

/** Time that a page of a rare filter may take. */
const listTimeoutMs = 30_000;

/** Records by cursor: what `list` gives. */
interface RequestList {
  requests: ReturnType<typeof requestRow>[];
  /** With `with_payload`: the same requests with all that is kept of them; otherwise empty. */
  details: ReturnType<typeof requestWithResponse>[];
  next_cursor: string | null;
}

/** What `export` gives. */
interface ExportedRequests {
  requests: ReturnType<typeof requestWithResponse>[];
  next_cursor: string;
  /** True: there is more already; a page may be short or empty all the same. */
  more: boolean;
}

/** Records of requests: an administration key's of everybody, any other's of its own. */
export const requests = router({
  /** Records by cursor, newest first unless `ascending`. A page may be short: the end is where `next_cursor` is null. */
  list: contentsRead
    .input(
      z
        .strictObject({
          filter: filter.prefault({}),
          cursor: requestId.optional(),
          direction,
          limit: limit.default(50),
          ascending: z.boolean().default(false),
          with_payload: z.boolean().default(false),
        })
        .prefault({}),
    )
    .query(async ({ ctx, input }): Promise<RequestList> => {
      const request = {
        owner: await ownerOfFilter(ctx, input.filter),
        filter: filterOf(input.filter),
        cursor: input.cursor ?? 0n,
        limit: input.limit,
        ascending: input.ascending,
        withPayload: input.with_payload,
      };
      const page = await ctx.gateway.pages.write({ kind: "list", request }, callOptions(ctx, listTimeoutMs));
      return ctx.documents.put<RequestList>(page);
    }),

  /**
   * Requests that have ended with all that is kept of them, in the order in which their ends were stored. `next_cursor` goes
   * on there now or at any time later: what ended in between is behind it, however long it ran.
   */
  export: contentsRead
    .input(
      z
        .strictObject({
          filter: filter.prefault({}),
          cursor: text.max(64).optional(),
          direction,
          limit: limit.default(50),
        })
        .prefault({}),
    )
    .query(async ({ ctx, input }): Promise<ExportedRequests> => {
      const request = {
        owner: await ownerOfFilter(ctx, input.filter),
        filter: filterOf(input.filter),
        cursor: input.cursor ?? "",
        limit: input.limit,
      };
      const page = await ctx.gateway.pages.write({ kind: "export", request }, callOptions(ctx, listTimeoutMs));
      return ctx.documents.put<ExportedRequests>(page);
    }),

  /**
   * The requests that any ID leads to, newest first. `on_its_way`: none yet, and one that the platform may have issued a moment ago may
   * still come.
   */
  find: ownRead
    .input(z.strictObject({ id: text.min(1).max(512), account_id: id.optional() }))
    .query(async ({ ctx, input }) => {
      const owner = ownerOfCaller(ctx.principal, input.account_id);
      const { config } = ctx.gateway;
      const found = await findRequest(ctx.gateway, ctx.incoming, owner, input.id.trim());
      const isFound = found.kind === "found";
      const others = isFound ? found.others.map((requestId) => formatRequestId(requestId, config.idStyle)) : [];
      return {
        /** null: it leads to none. */
        request: isFound ? requestRow(found.record, config) : null,
        /** IDs of the others. */
        others,
        on_its_way: found.kind === "on_its_way",
        retry_after_ms: found.kind === "on_its_way" ? askAgainMs : null,
        /** What IDs look like, where it leads nowhere. */
        hint: found.kind === "unknown" ? idForms : null,
      };
    }),

  /** The life of one request and its answer, by any of its IDs; of several the newest. */
  get: contentsRead
    .input(z.strictObject({ id: text.min(1).max(512), account_id: id.optional() }))
    .query(async ({ ctx, input }) => {
      const owner = ownerOfCaller(ctx.principal, input.account_id);
      const { config } = ctx.gateway;
      const found = await findRequest(ctx.gateway, ctx.incoming, owner, input.id.trim(), {
        withRequest: true,
      });
      if (found.kind === "on_its_way") {
        const message = "If this request was made, its record is on its way; ask again.";
        throw new ThroughlineError("not_found", message, { retryAfterMs: askAgainMs });
      }
      if (found.kind === "unknown") throw unknownRequest();
      const { record, others, request, requestTruncated } = found;
      const job = await jobLifeOf(ctx.gateway, ctx.incoming, record);
      return {
        ...requestWithResponse(record, config),
        /** What it said, a JSON text; null: its account keeps none, or it is kept no longer. */
        request: request.length === 0 ? null : Buffer.from(request).toString("utf8"),
        request_truncated: requestTruncated,
        /** null: it has no job that is kept. */
        job,
        /** Other requests that the ID leads to, newest first. */
        others: others.map((requestId) => formatRequestId(requestId, config.idStyle)),
      };
    }),

  /** Deletes records; repeats, unknown IDs and others' are fine and change nothing. */
  delete: ownDelete
    .input(z.strictObject({ request_ids: z.array(text).min(1).max(1_000), account_id: id.optional() }))
    .mutation(async ({ ctx, input }) => {
      const owner = ownerOfCaller(ctx.principal, input.account_id);
      const requestIds = input.request_ids.flatMap((text) => parseRequestId(text) ?? []);
      const { deleted } = await ctx.gateway.history.deleteRecords({ owner, requestIds }, callOptions(ctx));
      return { deleted };
    }),

  /**
   * New records as they come, then each again when it changes from running to ended. A client that lost its connection
   * goes on from five seconds before the highest ID that it saw, for late ones come there: it may be given some again. One
   * whose gateway stops is told an error after which clients connect again, for
   * an end they would take as final.
   */
  tail: ownRead
    .input(
      z
        .strictObject({ filter: filter.omit({ from: true, to: true }).prefault({}), lastEventId: text.nullish() })
        .prefault({}),
    )
    .subscription(async function* ({ ctx, input, signal }) {
      const { gateway, stopping } = ctx;
      const ended = signal === undefined ? stopping : AbortSignal.any([signal, stopping]);
      const after = parseRequestId(input.lastEventId ?? "");
      let highest = after ?? 0n;
      const source = {
        owner: await ownerOfFilter(ctx, input.filter),
        filter: filterOf(input.filter),
        after,
        mayStill: ctx.mayStill,
      };
      for await (const stored of tailRecords(gateway.history, source, ended, callOptions(ctx, listTimeoutMs))) {
        const { requestId } = recordOf(stored);
        if (requestId > highest) highest = requestId;
        yield tracked(highest.toString(), requestRow(stored, gateway.config));
      }
      if (stopping.aborted) throw new ThroughlineError("service_unavailable", "This gateway stops; connect again.");
    }),
});
