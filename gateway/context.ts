import type { LRUCache } from "lru-cache";
import type { Principal } from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { LineFields, LineWriter } from "../shared/log.ts";
import type { Pacing } from "../shared/pace.ts";
import type { SpentBuffers } from "../shared/spent-buffers.ts";
import type { GatewaySpans } from "../shared/telemetry/spans/gateway.ts";
import type { GatewayConfig } from "./config.ts";
import type { GatewayDeps } from "./deps.ts";
import type { Room } from "./edge/capacity.ts";
import type { FreeLimits } from "./edge/free-limits.ts";
import type { RefusalCounts } from "./edge/refusal-counts.ts";
import type { Pages } from "./pages/pages.ts";
import type { RouteMemory } from "./story/route-memory.ts";
import type { Running } from "./story/running.ts";

/** What the line of one request says alone. A type, not an interface: its fields are all that it can have. */
export type OwnRequestLine = {
  readonly request_id: string;
  readonly trace_id: string;
  readonly duration_ms: number;
};

/** What the lines of many requests say alike. */
export type CommonRequestLine = {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly error_code: string | undefined;
  readonly model: string | undefined;
  readonly channel: string | undefined;
  readonly account_id: string | undefined;
  readonly key: string | undefined;
};

/** The fields of both. */
export const requestLineFields: LineFields<OwnRequestLine, CommonRequestLine> = {
  own: ["request_id", "trace_id", "duration_ms"],
  common: ["method", "route", "status", "error_code", "model", "channel", "account_id", "key"],
};

/** What every endpoint works with. */
export interface GatewayContext extends Omit<GatewayDeps, "pages"> {
  readonly config: GatewayConfig;
  readonly pacing: Pacing;
  /** Writes pages of records. */
  readonly pages: Pages;
  readonly spans: GatewaySpans;
  /** Writes the line that says how a request ended. */
  readonly requestLine: LineWriter<OwnRequestLine, CommonRequestLine>;
  /** Requests between arrival and their last durable word. */
  readonly running: Running;
  /** What the edge turned away. */
  readonly refusals: RefusalCounts;
  /** Limits of what costs nothing. */
  readonly limits: FreeLimits;
  /** The bodies that requests keep. */
  readonly bodies: Room;
  /** The disk that uploads take. */
  readonly spool: Room;
  /** Buffers of uploads that were let go of. */
  readonly spent: SpentBuffers;
  /** Configured models that requests were resolved to. */
  readonly models: Set<string>;
  /** Routes that are the same for all who ask alike, for an instant. */
  readonly routes: RouteMemory;
  /** Principals by SHA-256 of the secret (one character a byte), for a few seconds. */
  readonly principals: LRUCache<string, Principal>;
}
