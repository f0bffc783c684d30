import { type DescMethod, type DescService, fromBinary } from "@bufbuild/protobuf";
import { type ChannelOptions, Client, connectivityState, Metadata, status } from "@grpc/grpc-js";
import { ThroughlineError } from "../errors/error.ts";
import { encodeMessage, wireClientCodec } from "./codec.ts";
import { createComplaint } from "./complaint.ts";
import { cancelledError, deadlineError, tooLargeError, unavailableError } from "./faults.ts";
import { type ChannelLease, createGrpcChannels } from "./grpc-channels.ts";
import { openGrpcLink, passBytes, transportLimit } from "./grpc-link.ts";
import { holdingRoundRobin } from "./holding-balancer.ts";
import { secretKey } from "./peer-secret.ts";
import { createServiceClient, type Transport } from "./service-client.ts";
import { laneShape, methodPath } from "./shape.ts";
import { fromStatus } from "./status.ts";
import { type ClientTls, clientCredentials } from "./tls.ts";
import {
  type CallOptions,
  type ClientControl,
  type ClientOptions,
  defaultMaxMessageBytes,
  type RpcLog,
  type ServiceClient,
} from "./types.ts";
import { requestIdKey, traceparentKey } from "./unary.ts";
import { whyAway } from "./why-away.ts";

/** What a gRPC client is told. */
export interface GrpcClientOptions extends ClientOptions {
  /** Where the service is: `dns:///host:port` (every address, in turn), `host:port`, `ipv4:...` or `unix:...`. */
  readonly target: string;
  /** Default: plain text. */
  readonly tls?: ClientTls | undefined;
  /** What the servers know this client by (GRPC_SECRET). Default: nothing. */
  readonly secret?: string | undefined;
  /** Told once a minute why the service cannot be reached. */
  readonly log?: Pick<RpcLog, "warn"> | undefined;
  /** Age in milliseconds at which a connection is replaced, which looks up the peers anew. Default 300,000. */
  readonly channelMaxAgeMs?: number | undefined;
  /** Milliseconds without a word from the peer after which it is asked for one. Default 10,000. */
  readonly keepaliveMs?: number | undefined;
}

/** How long a unary call waits for a peer. */
const waitForPeerMs = 2_000;

/** Makes a client of a service over gRPC. Connects with the first call, or with `ready`. */
export function createGrpcClient<S extends DescService>(
  service: S,
  options: GrpcClientOptions,
): ServiceClient<S> & ClientControl {
  const { credentials, fault, stop } = clientCredentials(options.tls);
  const channels = createGrpcChannels(
    () => new Client(options.target, credentials, channelOptions(options)),
    options.channelMaxAgeMs ?? 300_000,
  );
  const complaint = createComplaint(options.log, "a service cannot be reached");
  let reason: Error | undefined;
  /** Looks up why no peer is there. What is known is given at once; the answer comes too late for who asks first. */
  const away = async (client: Client): Promise<Error | undefined> => {
    reason = (await whyAway(client, fault?.())) ?? reason;
    if (reason !== undefined) complaint.tell({ target: options.target, reason: reason.message });
    return reason;
  };
  const refused = (details: string): void => {
    reason = new Error(details);
    complaint.tell({ target: options.target, reason: details });
  };
  const transport: Transport<Buffer> = {
    defaultLanes: 4,
    target: options.target,
    unreachable() {
      const { client, release } = channels.lease();
      void away(client).finally(release);
      return reason;
    },
    lane(method, maxMessageBytes) {
      const shape = laneShape(method);
      return {
        codec: wireClientCodec(shape),
        open: openGrpcLink(channels, shape, maxMessageBytes, { secret: options.secret, refused }),
      };
    },
    unary: (method, maxMessageBytes) => (request, callOptions) =>
      callUnary(channels.lease(), method, maxMessageBytes, request, callOptions, {
        secret: options.secret,
        away,
        refused,
      }),
    close() {
      channels.close();
      stop();
    },
  };
  return createServiceClient(service, transport, options);
}

/** Every option that departs from grpc-js's defaults, and why. */
function channelOptions(options: GrpcClientOptions): ChannelOptions {
  const limit = transportLimit(options.maxMessageBytes ?? defaultMaxMessageBytes);
  return {
    // The default, pick_first, would put all load on one of several addresses.
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ [holdingRoundRobin]: {} }] }),
    "grpc.service_config_disable_resolution": 1,
    // A channel has connections of its own, so that the next one has new ones.
    "grpc.use_local_subchannel_pool": 1,
    // A proxy is for upstreams: grpc-js would send calls between processes through HTTP_PROXY too.
    "grpc.enable_http_proxy": 0,
    // A peer that hangs or is cut off is noticed within 15 s, also without traffic.
    "grpc.keepalive_time_ms": options.keepaliveMs ?? 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.keepalive_permit_without_calls": 1,
    // A restarted peer is used again within about a second.
    "grpc.initial_reconnect_backoff_ms": 50,
    "grpc.max_reconnect_backoff_ms": 1_000,
    "grpc.dns_min_time_between_resolutions_ms": 2_000,
    // Idle lanes stay: the next request must not pay for a connection.
    "grpc.client_idle_timeout_ms": 2 ** 31 - 1,
    "grpc.max_receive_message_length": limit,
    "grpc.max_send_message_length": -1,
    // A window costs a round trip, and that is a turn of both loops: with 1 MiB lanes full of streams that nobody reads
    // brought 20 MB a second, and usual streams beside them took 5 s instead of the 1.7 s with 4 MiB.
    "grpc-node.flow_control_window": 4 * 1024 * 1024,
    // grpc-js's retries stay on for one thing: a call that a leaving server refused unseen (REFUSED_STREAM) goes elsewhere.
    "grpc.enable_channelz": 0,
    ...(options.tls?.serverName === undefined ? {} : { "grpc.ssl_target_name_override": options.tls.serverName }),
  };
}

/** What a call is told of the other side, and tells of it. */
interface Peer {
  readonly secret: string | undefined;
  /** No peer is there: looks up and logs why. */
  away(client: Client): Promise<Error | undefined>;
  /** The peer does not take calls of this process. */
  refused(details: string): void;
}

async function callUnary(
  { client, release }: ChannelLease,
  method: DescMethod,
  maxMessageBytes: number,
  request: unknown,
  options: CallOptions,
  peer: Peer,
): Promise<unknown> {
  const startedMs = performance.now();
  try {
    if (options.signal?.aborted) throw cancelledError();
    if (!(options.timeoutMs > 0)) throw deadlineError();
    const message = encodeMessage(method.input, request);
    if (message.byteLength > maxMessageBytes) throw tooLargeError(message.byteLength, maxMessageBytes);
    await waitForPeer(client, options, peer);
    const leftMs = options.timeoutMs - (performance.now() - startedMs);
    if (leftMs <= 0) throw deadlineError();
    return fromBinary(method.output, await exchange(client, method, message, options, leftMs, peer));
  } catch (error) {
    throw ThroughlineError.from(error);
  } finally {
    release();
  }
}

/** Without this, a call fails at once while a peer restarts. */
function waitForPeer(client: Client, options: CallOptions, { away }: Peer): Promise<void> | undefined {
  if (client.getChannel().getConnectivityState(true) === connectivityState.READY) return undefined;
  const { signal, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(cancelledError());
    signal?.addEventListener("abort", onAbort, { once: true });
    client.waitForReady(Date.now() + Math.min(waitForPeerMs, timeoutMs), (error) => {
      signal?.removeEventListener("abort", onAbort);
      if (error === undefined) return resolve();
      // "Failed to connect before the deadline" says nothing: the last attempt's own error does.
      void away(client).then((reason) =>
        reject(timeoutMs <= waitForPeerMs ? deadlineError() : unavailableError(reason ?? error)),
      );
    });
  });
}

function exchange(
  client: Client,
  method: DescMethod,
  message: Buffer,
  options: CallOptions,
  leftMs: number,
  { secret, refused }: Peer,
): Promise<Buffer> {
  const { signal } = options;
  const metadata = new Metadata();
  if (secret !== undefined) metadata.set(secretKey, secret);
  if (options.requestId !== undefined) metadata.set(requestIdKey, String(options.requestId));
  if (options.traceparent) metadata.set(traceparentKey, options.traceparent);
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      call.cancel();
      reject(cancelledError());
    };
    const call = client.makeUnaryRequest(
      methodPath(method),
      passBytes,
      passBytes,
      message,
      metadata,
      { deadline: Date.now() + Math.ceil(leftMs) },
      (failure, answer) => {
        signal?.removeEventListener("abort", onAbort);
        if (failure?.code === status.UNAUTHENTICATED) refused(failure.details);
        if (failure !== null) reject(fromStatus(failure));
        else if (answer === undefined) reject(unavailableError());
        else resolve(answer);
      },
    );
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
