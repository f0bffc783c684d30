import { EventEmitter } from "node:events";
import { rmSync } from "node:fs";
import type { TLSSocket } from "node:tls";
import { type DescMethod, fromBinary } from "@bufbuild/protobuf";
import {
  Server,
  type ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { ThroughlineError } from "../errors/error.ts";
import { listenFault } from "../listen-fault.ts";
import { createAdmission } from "./admission.ts";
import type { CallSpans } from "./call-spans.ts";
import { encodeMessage, wireServerCodec } from "./codec.ts";
import { createComplaint } from "./complaint.ts";
import type { ServiceDefinition } from "./define.ts";
import { createResultEncoder } from "./encode.ts";
import { answerTooLargeError, cancelledError } from "./faults.ts";
import { leavingDetails, passBytes, serveGrpcLink, transportLimit } from "./grpc-link.ts";
import { createLaneServer, type LaneServer } from "./lane-server.ts";
import { type PeerSecrets, refusal } from "./peer-secret.ts";
import { serveReflection } from "./reflection.ts";
import { laneShape, methodPath } from "./shape.ts";
import { toStatus } from "./status.ts";
import { type ServerTls, serverCredentials } from "./tls.ts";
import { defaultMaxMessageBytes, type RpcLog } from "./types.ts";
import { type AnyUnaryHandler, requestIdKey, runUnary, traceparentKey } from "./unary.ts";

/** What a gRPC server is told. */
export interface GrpcServerOptions {
  /** An address of this machine, or `unix:/path` for a socket in the file system: whoever may open the file may call. */
  readonly host: string;
  /** 0: any free port. A socket in the file system has none. */
  readonly port: number;
  readonly log?: RpcLog | undefined;
  /** Largest item, request or answer in bytes. Default 20 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Milliseconds without a word from a client after which it is asked for one. Default 20,000. */
  readonly keepaliveMs?: number | undefined;
  /** True (the default): serves grpc.health.v1 and reflection as well. */
  readonly health?: boolean | undefined;
  /** Default: plain text. */
  readonly tls?: ServerTls | undefined;
  /** Calls without one of them are refused as UNAUTHENTICATED, but for health checks. Default: anybody may call. */
  readonly secrets?: PeerSecrets | undefined;
  /** Makes spans of the unary calls that are served; those of lanes are their handlers' to make. Default: none are made. */
  readonly spans?: CallSpans | undefined;
  /** Called for each call that was refused. */
  readonly onRefused?: (() => void) | undefined;
}

/** A gRPC server that runs. */
export interface GrpcServer {
  readonly port: number;
  /**
   * What health checks read: the whole server (""), "readiness" and every service; none of them serves once `close` was
   * called. "liveness" always serves.
   */
  setServing(serving: boolean): void;
  /**
   * Refuses new lanes, tells clients to move on, lets open calls end, then refuses connections too; cuts what is left
   * after `graceMs` (0: at once).
   */
  close(graceMs: number): Promise<void>;
}

/** Serves the definitions over gRPC. Rejects with Node's error where the port cannot be had. */
export async function startGrpcServer(
  definitions: readonly ServiceDefinition[],
  options: GrpcServerOptions,
): Promise<GrpcServer> {
  const maxMessageBytes = options.maxMessageBytes ?? defaultMaxMessageBytes;
  // With it comes a compiler of protobuf, which a process without a server of its own does not need.
  const { HealthImplementation } = await import("grpc-health-check");
  const admission = createAdmission(options.secrets, options);
  const lanePaths = new Set<string>();
  const server = new Server({
    interceptors: [admission.interceptor(lanePaths)],
    "grpc.max_receive_message_length": transportLimit(maxMessageBytes),
    "grpc.max_send_message_length": -1,
    "grpc.keepalive_time_ms": options.keepaliveMs ?? 20_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc-node.flow_control_window": 4 * 1024 * 1024,
    // Channelz stays on: without it forceShutdown knows no connections and cuts none (grpc-js 1.14.7, server.js).
  });
  const laneServers: LaneServer<Buffer>[] = [];
  let draining = false;

  for (const { service, handlers } of definitions) {
    for (const method of service.methods) {
      const handler = handlers[method.localName];
      if (handler === undefined) throw new Error(`${methodPath(method)} has no handler`);
      if (handler.kind === "unary") {
        const handle = serveUnary(method, handler, maxMessageBytes, options);
        server.register(methodPath(method), handle, passBytes, passBytes, "unary");
        continue;
      }
      const shape = laneShape(method);
      const encode = createResultEncoder(shape);
      const lanes = createLaneServer(shape.path, handler, wireServerCodec(shape), options.log);
      laneServers.push(lanes);
      lanePaths.add(shape.path);
      const handle = (stream: ServerDuplexStream<Buffer, Buffer>): void => {
        if (!admission.admits(shape.path, stream.metadata, stream.getPeer())) stream.emit("error", refusal);
        else if (draining) stream.emit("error", { code: status.UNAVAILABLE, details: leavingDetails });
        else serveGrpcLink(stream, shape, encode, maxMessageBytes, lanes.accept);
      };
      server.register(shape.path, handle, passBytes, passBytes, "bidi");
    }
  }

  const names = ["", "readiness", ...definitions.map(({ service }) => service.typeName)];
  const health = new HealthImplementation({ liveness: "SERVING" });
  for (const name of names) health.setStatus(name, "SERVING");
  if (options.health ?? true) {
    health.addToServer(server);
    serveReflection(server, definitions);
  }
  const { credentials, stop: stopFollowing } = serverCredentials(options.tls);
  const port = await bind(server, options, credentials).catch((error: unknown) => {
    stopFollowing();
    throw error;
  });
  tellRefusedHandshakes(server, options.log);

  function setServing(serving: boolean): void {
    // A look that began before the end must not call it back.
    for (const name of names) health.setStatus(name, serving && !draining ? "SERVING" : "NOT_SERVING");
  }

  return {
    port,
    setServing,
    async close(graceMs) {
      draining = true;
      setServing(false);
      for (const lanes of laneServers) lanes.drain();
      const timer = setTimeout(() => {
        for (const lanes of laneServers) lanes.destroy();
        server.forceShutdown();
      }, graceMs);
      await Promise.all(laneServers.map((lanes) => lanes.empty()));
      // Only now: it sends GOAWAY, after which a keepalive would cut what runs (grpc-channels.ts).
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      clearTimeout(timer);
      stopFollowing();
    },
  };
}

/**
 * Logs handshakes that failed: the other side may be anybody, and its own log may say nothing. grpc-js keeps its HTTP/2
 * servers to itself, so they are looked up by the name of its field; a test sees that it is still there.
 */
function tellRefusedHandshakes(server: Server, log: RpcLog | undefined): void {
  const servers: unknown = Reflect.get(server, "http2Servers");
  if (!(servers instanceof Map)) return;
  const complaint = createComplaint(log, "TLS connections of callers fail");
  for (const one of servers.keys()) {
    if (!(one instanceof EventEmitter)) continue;
    one.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      // For a certificate that is refused, Node says ECONNRESET here and tells the reason on the socket.
      const refused: unknown = socket.authorizationError;
      const code = typeof refused === "string" ? refused : (error.code ?? "");
      complaint.tell({ code, reason: error.message, peer: socket.remoteAddress ?? "" });
    });
  }
}

const unixPrefix = "unix:";

function address(options: GrpcServerOptions, port: number): string {
  if (options.host.startsWith(unixPrefix)) return options.host;
  return options.host.includes(":") ? `[${options.host}]:${port}` : `${options.host}:${port}`;
}

function bind(server: Server, options: GrpcServerOptions, credentials: ServerCredentials): Promise<number> {
  // A process that was killed leaves its socket behind, and nobody else can listen there then.
  if (options.host.startsWith(unixPrefix)) rmSync(options.host.slice(unixPrefix.length), { force: true });
  return new Promise((resolve, reject) => {
    server.bindAsync(address(options, options.port), credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(listenFault(address(options, options.port), ["GRPC_HOST", "GRPC_PORT"], error));
    });
  });
}

function serveUnary(
  method: DescMethod,
  handler: AnyUnaryHandler,
  maxMessageBytes: number,
  { log, spans }: Pick<GrpcServerOptions, "log" | "spans">,
): (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => void {
  return (call, answer) => {
    const controller = new AbortController();
    call.on("cancelled", () => controller.abort(cancelledError()));
    const deadline = call.getDeadline();
    const leftMs = Number(deadline) - Date.now();
    const context = {
      requestId: readRequestId(call.metadata.get(requestIdKey)[0]),
      traceparent: String(call.metadata.get(traceparentKey)[0] ?? ""),
      deadlineMs: Number.isFinite(leftMs) ? performance.now() + leftMs : Number.POSITIVE_INFINITY,
      signal: controller.signal,
    };
    void (async () => {
      try {
        const request = fromBinary(method.input, call.request);
        const response = encodeMessage(method.output, await runUnary(method, handler, request, context, log, spans));
        if (response.byteLength > maxMessageBytes) throw answerTooLargeError(response.byteLength, maxMessageBytes);
        answer(null, response);
      } catch (error) {
        answer(toStatus(ThroughlineError.from(error)));
      }
    })();
  };
}

function readRequestId(text: string | Buffer | undefined): bigint {
  return typeof text === "string" && /^\d{1,20}$/.test(text) ? BigInt.asUintN(64, BigInt(text)) : 0n;
}
