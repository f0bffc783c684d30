import { AsyncLocalStorage } from "node:async_hooks";
import { attribute } from "../attributes.ts";
import type { Span } from "../span.ts";
import { parseContext } from "../traceparent.ts";
import type { Tracing } from "../tracing.ts";
import { summaryOf } from "./query-summary.ts";

/** A call that statements are sent for. */
export interface AskingCall {
  readonly span: Span;
  readonly requestId: bigint;
}

/** The database that statements go to. */
export interface DatabasePeer {
  readonly host: string;
  readonly port: number;
  /** `database|schema`. */
  readonly namespace: string;
}

/** For whom statements are sent at the moment. */
interface Scope {
  readonly tracing: Tracing;
  readonly calls: readonly [AskingCall, ...AskingCall[]];
}

/** Other calls of a batch that the span of its statement points to. */
const maxLinks = 32;
const scopes = new AsyncLocalStorage<Scope>();

/**
 * Runs work whose statements belong to calls that are recorded. A statement that serves a batch has one span, under the first
 * of its calls, with links to the others. Without a recorded call it costs nothing.
 */
export function withStatementsOf<T>(tracing: Tracing, calls: readonly AskingCall[], run: () => Promise<T>): Promise<T> {
  const [first, ...others] = calls.filter(({ span }) => span.recording);
  return first === undefined ? run() : scopes.run({ tracing, calls: [first, ...others] }, run);
}

/** Calls with their spans, in one order. Where none is recorded the list is empty. */
export function askingCalls(calls: readonly { readonly requestId: bigint }[], open: readonly Span[]): AskingCall[] {
  const asking: AskingCall[] = [];
  for (const [index, span] of open.entries()) {
    if (span.recording) asking.push({ span, requestId: calls[index]?.requestId ?? 0n });
  }
  return asking;
}

/** Begins the span of a statement; undefined: it is sent for nobody who is recorded. */
export function startStatement(sql: string, peer: DatabasePeer): Span | undefined {
  const scope = scopes.getStore();
  if (scope === undefined) return undefined;
  const summary = summaryOf(sql);
  const [first, ...others] = scope.calls;
  // The statements that frame a transaction tell nothing. A scope whose call is over belongs to work that outlived the call.
  if (summary === undefined || first.span.ended) return undefined;
  const span = scope.tracing.startChild(summary.text, {
    parent: first.span.traceparent,
    requestId: first.requestId,
    kind: "client",
    attrs: () => ({
      [attribute.dbSystem]: "postgresql",
      [attribute.dbNamespace]: peer.namespace,
      [attribute.dbSummary]: summary.text,
      [attribute.dbOperation]: summary.operation,
      [attribute.serverAddress]: peer.host,
      [attribute.serverPort]: peer.host.startsWith("/") ? undefined : peer.port,
      [attribute.batchSize]: others.length === 0 ? undefined : scope.calls.length,
    }),
  });
  for (const { span: other } of others.slice(0, maxLinks)) {
    const context = parseContext(other.traceparent);
    if (context !== undefined) span.link(context, { [attribute.linkReason]: "same_batch" });
  }
  return span;
}

/** Ends the span of a statement that failed. `sqlState`: PostgreSQL's code; undefined: the connection failed. */
export function failStatement(span: Span, sqlState: string | undefined): void {
  span.set({ [attribute.dbStatus]: sqlState });
  span.fail(sqlState ?? "connection_failure");
  span.end();
}
