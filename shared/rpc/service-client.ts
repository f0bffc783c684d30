import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { createDeadlines, type Deadlines } from "./deadlines.ts";
import { createLaneMethod } from "./lane-method.ts";
import { createLanePool, type LanePool } from "./lane-pool.ts";
import type { ClientCodec, OpenLink } from "./link.ts";
import { laneShape } from "./shape.ts";
import { tracedLane, tracedUnary } from "./traced.ts";
import {
  type CallOptions,
  type ClientControl,
  type ClientOptions,
  defaultMaxMessageBytes,
  type ServiceClient,
} from "./types.ts";

/** How a kind of client carries the calls of one method. */
export interface Transport<P> {
  readonly defaultLanes: number;
  /** Where the calls go, for their spans. */
  readonly target?: string;
  lane(method: DescMethod, maxMessageBytes: number): { codec: ClientCodec<P>; open: OpenLink<P> };
  unary(
    method: DescMethod,
    maxMessageBytes: number,
    deadlines: Deadlines,
  ): (request: unknown, options: CallOptions) => Promise<unknown>;
  /** Called when calls have waited for a peer in vain; gives why, where it is known. */
  unreachable?(): Error | undefined;
  /** Called when the lanes have closed. */
  close(): void;
}

const defaultLaneMaxAgeMs = 60_000;
const closeGraceMs = 5_000;

/** Puts a service's methods on a transport. */
export function createServiceClient<S extends DescService, P>(
  service: S,
  transport: Transport<P>,
  options: ClientOptions,
): ServiceClient<S> & ClientControl {
  const maxMessageBytes = options.maxMessageBytes ?? defaultMaxMessageBytes;
  const deadlines = createDeadlines();
  const pools: LanePool<P>[] = [];
  const methods: Record<string, unknown> = {};
  const { idempotent: again = [], prompt = [], lingerMs = {}, waited = [], spans } = options;
  checkNames(service, [...again, ...prompt, ...waited, ...Object.keys(lingerMs)]);
  for (const method of service.methods) {
    if (method.methodKind === "unary") {
      const ask = transport.unary(method, maxMessageBytes, deadlines);
      methods[method.localName] = spans === undefined ? ask : tracedUnary(method, ask, spans, transport.target ?? "");
      continue;
    }
    const { frame } = laneShape(method);
    const { codec, open } = transport.lane(method, maxMessageBytes);
    const pool = createLanePool<P>({
      open,
      lanes: options.lanes ?? transport.defaultLanes,
      maxAgeMs: options.laneMaxAgeMs ?? defaultLaneMaxAgeMs,
      lingerMs: lingerMs[method.localName] ?? 0,
      // A stream may be quiet for as long as its source is.
      answers: prompt.includes(method.localName) ? "promptly" : frame === undefined ? "soon" : undefined,
      unreachable: () => transport.unreachable?.(),
    });
    pools.push(pool);
    const idempotent = again.includes(method.localName);
    const lane = createLaneMethod<P>({ codec, pool, deadlines, idempotent });
    const traced = waited.includes(method.localName) ? spans : undefined;
    methods[method.localName] = traced === undefined ? lane : tracedLane(method, lane, traced, transport.target ?? "");
  }
  const control: ClientControl = {
    async ready(timeoutMs) {
      await Promise.all(pools.map((pool) => pool.ready(timeoutMs)));
    },
    async close() {
      await Promise.all(pools.map((pool) => pool.close(closeGraceMs)));
      transport.close();
    },
  };
  return { ...methods, ...control } as ServiceClient<S> & ClientControl;
}

/** A misspelt name would mean no retry or no company, in silence. */
function checkNames(service: DescService, names: readonly string[]): void {
  for (const name of names) {
    if (service.method[name] === undefined) throw new Error(`${service.typeName} has no method ${name}`);
  }
}
