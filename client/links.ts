import {
  httpBatchLink,
  httpLink,
  httpSubscriptionLink,
  type Operation,
  splitLink,
  type TRPCClientError,
  type TRPCLink,
} from "@trpc/client";
import { observable } from "@trpc/server/observable";
import type { AppRouter } from "./contract/router.ts";
import { toThroughlineError } from "./errors.ts";
import { type Fetch, FetchEventSource } from "./event-source.ts";
import { noteRequestId } from "./values.ts";

/** Where the gateway is, and who calls. */
export interface ThroughlineOptions {
  /** Address of the gateway, e.g. "http://127.0.0.1:8080"; what stands behind its port is kept. */
  readonly url: string | URL;
  /** The key, or what gives it at each call. */
  readonly key: string | (() => string | Promise<string>);
  /** More headers of every call, e.g. `traceparent`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of the global `fetch`. */
  readonly fetch?: Fetch;
}

/** Most calls of one batch: the gateway takes no more. */
const maxBatchSize = 20;

/** Options of a call that is to be done once however often it is sent; a repeat gets the first answer and is not charged. */
export function idempotent(key: string): { context: { idempotencyKey: string } } {
  return { context: { idempotencyKey: key } };
}

/** The links of a client: queries travel in batches, what changes or costs something by itself, streams as server-sent events. */
export function throughlineLinks(options: ThroughlineOptions): TRPCLink<AppRouter>[] {
  const url = `${String(options.url).replace(/\/+$/, "")}/trpc`;
  const fetch: Fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  // tRPC calls it as the global one is called.
  const http = { url, fetch: fetch as typeof globalThis.fetch as never };
  const headers = async (context?: Operation["context"]): Promise<Record<string, string>> => {
    const key = typeof options.key === "string" ? options.key : await options.key();
    const idempotencyKey = context?.idempotencyKey;
    return {
      ...options.headers,
      authorization: `Bearer ${key}`,
      ...(typeof idempotencyKey === "string" ? { "idempotency-key": idempotencyKey } : {}),
    };
  };
  return [
    tellingLink,
    splitLink({
      condition: (operation) => operation.type === "subscription",
      true: httpSubscriptionLink({
        url,
        EventSource: FetchEventSource,
        eventSourceOptions: ({ op }) => ({
          headers: () => headers(op.context),
          fetch,
          // A stream that began anew would be paid for twice.
          reconnects: !op.path.endsWith(".stream"),
        }),
      }),
      false: splitLink({
        condition: (operation) => operation.type === "query",
        true: httpBatchLink({ ...http, headers: () => headers(), maxItems: maxBatchSize, methodOverride: "POST" }),
        false: httpLink({ ...http, headers: ({ op }) => headers(op.context) }),
      }),
    }),
  ];
}

/** Makes errors the platform's, and notes of each answer which request it is that of. */
const tellingLink: TRPCLink<AppRouter> =
  () =>
  ({ next, op }) =>
    observable((observer) =>
      next(op).subscribe({
        next(envelope) {
          const { result, context } = envelope;
          if ("data" in result) noteRequestId(result.data, requestIdIn(context));
          observer.next(envelope);
        },
        error: (error: TRPCClientError<AppRouter>) => observer.error(toThroughlineError(error)),
        complete: () => observer.complete(),
      }),
    );

function requestIdIn(context: Operation["context"] | undefined): string {
  const response = context?.response as { headers?: { get(name: string): string | null } } | undefined;
  return response?.headers?.get("request-id") ?? "";
}
