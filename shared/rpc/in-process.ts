import { create, type DescMethod, type DescService } from "@bufbuild/protobuf";
import { ThroughlineError } from "../errors/error.ts";
import { createPacing, type Pacing } from "../pace.ts";
import type { CallSpans } from "./call-spans.ts";
import { localClientCodec, localServerCodec, roughBytes, roughBytesInTurns } from "./codec.ts";
import type { Deadlines } from "./deadlines.ts";
import type { ServiceDefinition } from "./define.ts";
import { answerTooLargeError, cancelledError, deadlineError, tooLargeError, unavailableError } from "./faults.ts";
import { createLaneServer, type LaneServer } from "./lane-server.ts";
import { openLocalLink } from "./local-link.ts";
import { createServiceClient, type Transport } from "./service-client.ts";
import { laneShape } from "./shape.ts";
import type { CallOptions, ClientControl, ClientOptions, RpcLog, ServiceClient } from "./types.ts";
import { type AnyUnaryHandler, runUnary } from "./unary.ts";

/** A service served within this process. */
export interface InProcessServer<S extends DescService> {
  /** A client of it: the same type and the same behaviour as one over gRPC. */
  client(options?: ClientOptions): ServiceClient<S> & ClientControl;
  /** As GrpcServer.close. */
  close(graceMs: number): Promise<void>;
}

/** What a service within the process is served with. */
export interface InProcessOptions {
  readonly log?: RpcLog | undefined;
  /** As GrpcServerOptions.spans. */
  readonly spans?: CallSpans | undefined;
  /** What long answers give way to. Default: others have a turn after each piece. */
  readonly pacing?: Pacing | undefined;
}

/** Makes a client that calls the definition's handlers in this process, without serialising. */
export function createInProcessClient<S extends DescService>(
  definition: ServiceDefinition<S>,
  options: ClientOptions & InProcessOptions = {},
): ServiceClient<S> & ClientControl {
  // Within a process there is no way between caller and handler that a second span could show.
  return createInProcessServer(definition, options).client({ ...options, spans: undefined });
}

/** Serves a definition within this process: one server for clients of different options, and one that can stop. */
export function createInProcessServer<S extends DescService>(
  definition: ServiceDefinition<S>,
  options: InProcessOptions = {},
): InProcessServer<S> {
  const { service } = definition;
  const { log, spans, pacing = createPacing() } = options;
  const laneServers = new Map<string, LaneServer<unknown>>();
  const unaryCalls = new Set<UnaryCall>();
  let draining = false;
  let open = 0;
  let drained: (() => void) | undefined;

  for (const method of service.methods) {
    const handler = handlerOf(method);
    if (handler.kind === "unary") continue;
    const shape = laneShape(method);
    laneServers.set(method.localName, createLaneServer(shape.path, handler, localServerCodec(shape), log));
  }

  function handlerOf(method: DescMethod) {
    const handler = definition.handlers[method.localName];
    if (handler === undefined) throw new Error(`${service.typeName}/${method.name} has no handler`);
    return handler;
  }

  function leave(): void {
    open -= 1;
    if (open === 0) drained?.();
  }

  const transport: Transport<unknown> = {
    defaultLanes: 1,
    lane(method, maxMessageBytes) {
      const shape = laneShape(method);
      const connect = openLocalLink(
        (link) => {
          if (draining) return undefined;
          open += 1;
          let left = false;
          const leaveOnce = (): void => {
            if (!left) leave();
            left = true;
          };
          const events = laneServers.get(method.localName)?.accept({
            ...link,
            finish: () => {
              link.finish();
              leaveOnce();
            },
          });
          if (events === undefined) return undefined;
          return {
            ...events,
            broken: () => {
              events.broken();
              leaveOnce();
            },
          };
        },
        shape,
        maxMessageBytes,
      );
      return { codec: localClientCodec(shape), open: connect };
    },
    unary(method, maxMessageBytes, deadlines) {
      const handler = handlerOf(method) as AnyUnaryHandler;
      return (request, callOptions) => {
        if (draining) return Promise.reject(unavailableError());
        return callUnary(
          { method, handler, maxMessageBytes, deadlines, log, spans, pacing, unaryCalls },
          request,
          callOptions,
        );
      };
    },
    close: () => {},
  };

  return {
    client: (clientOptions = {}) => createServiceClient(service, transport, clientOptions),
    async close(graceMs) {
      draining = true;
      for (const lanes of laneServers.values()) lanes.drain();
      const lanesLeft =
        open === 0
          ? Promise.resolve()
          : new Promise<void>((resolve) => {
              drained = resolve;
            });
      const unaryLeft = Promise.allSettled([...unaryCalls].map((call) => call.settled));
      const timer = setTimeout(() => {
        for (const lanes of laneServers.values()) lanes.destroy();
        for (const call of unaryCalls) call.fail(unavailableError());
      }, graceMs);
      await Promise.all([lanesLeft, unaryLeft]);
      clearTimeout(timer);
    },
  };
}

interface UnaryCall {
  readonly settled: Promise<unknown>;
  fail(error: ThroughlineError): void;
}

interface UnaryParts {
  readonly method: DescMethod;
  readonly handler: AnyUnaryHandler;
  readonly maxMessageBytes: number;
  readonly deadlines: Deadlines;
  readonly log: RpcLog | undefined;
  readonly spans: CallSpans | undefined;
  readonly pacing: Pacing;
  readonly unaryCalls: Set<UnaryCall>;
}

async function callUnary(parts: UnaryParts, request: unknown, options: CallOptions): Promise<unknown> {
  const { method, handler, maxMessageBytes, deadlines, log, spans, pacing, unaryCalls } = parts;
  const { signal, timeoutMs } = options;
  if (signal?.aborted) throw cancelledError();
  if (!(timeoutMs > 0)) throw deadlineError();
  const message = messageOf(method.input, request);
  const bytes = roughBytes(message);
  if (bytes > maxMessageBytes) throw tooLargeError(bytes, maxMessageBytes);

  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const controller = new AbortController();
  const call: UnaryCall = {
    settled: promise,
    fail(error) {
      reject(error);
      controller.abort(error);
    },
  };
  const onAbort = (): void => call.fail(cancelledError());
  const deadline = deadlines.add({ expire: () => call.fail(deadlineError()) }, timeoutMs);
  signal?.addEventListener("abort", onAbort, { once: true });
  unaryCalls.add(call);
  const context = {
    requestId: options.requestId ?? 0n,
    traceparent: options.traceparent ?? "",
    deadlineMs: performance.now() + timeoutMs,
    signal: controller.signal,
  };
  runUnary(method, handler, message, context, log, spans).then(resolve, reject);
  try {
    const answer = messageOf(method.output, await promise);
    const counted = roughBytesInTurns(answer, pacing.pace());
    const answerBytes = typeof counted === "number" ? counted : await counted;
    if (answerBytes > maxMessageBytes) throw answerTooLargeError(answerBytes, maxMessageBytes);
    return answer;
  } finally {
    deadlines.remove(deadline);
    signal?.removeEventListener("abort", onAbort);
    unaryCalls.delete(call);
  }
}

function messageOf(schema: DescMethod["input"], init: unknown): unknown {
  try {
    return create(schema, init as Record<string, unknown>);
  } catch (error) {
    throw ThroughlineError.from(error);
  }
}
