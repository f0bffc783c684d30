import type { Quantities } from "./units.ts";

/** What the platform says of a call that it served, beside the answer itself. */
export interface Receipt {
  /** The platform's request ID: `requests.get` tells the life of the request by it. */
  readonly request_id: string;
  /** W3C trace ID of the request. */
  readonly trace_id: string;
  /** Request ID that the upstream gave; null: it gave none, or none was asked. */
  readonly upstream_request_id: string | null;
  /** Channel that served it; null: none was asked. */
  readonly channel: string | null;
  /** What was consumed, by unit; null: not known yet. */
  readonly usage: Quantities | null;
  /** What was charged, in US dollars; null: not known yet, `requests.get` tells it later. */
  readonly billed_usd: string | null;
  /** Why this much was charged, e.g. "usage"; null: not known yet. */
  readonly billing_reason: string | null;
  /** What the same usage costs by the vendor's list, in US dollars; null: not known. */
  readonly list_price_usd: string | null;
  /** True: the answer is that of an earlier request with the same idempotency key, and nothing was charged. */
  readonly replayed: boolean;
}

/** An answer with what the platform says of it. */
export interface Billed {
  /** What the platform says of the call: IDs, usage, cost. */
  readonly throughline: Receipt;
}

/** The first event of a stream. */
export interface StreamStart {
  readonly type: "start";
  readonly throughline: {
    /** The platform's request ID. */
    readonly request_id: string;
    /** W3C trace ID of the request. */
    readonly trace_id: string;
  };
}

/** The last event of a stream: everything was given. */
export interface StreamEnd {
  readonly type: "end";
  readonly throughline: Receipt;
}

/** The events of a stream: one start, then what the model says as it comes, then one end. An error ends it in place of the end. */
export type StreamEvent<Chunk> = StreamStart | { readonly type: "chunk"; readonly chunk: Chunk } | StreamEnd;
