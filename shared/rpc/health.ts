import { type ChannelCredentials, Client, Metadata } from "@grpc/grpc-js";
import { passBytes } from "./grpc-link.ts";
import { secretKey } from "./peer-secret.ts";
import { type ClientTls, clientCredentials } from "./tls.ts";

/** Asks a service whether it serves, by the standard health protocol (grpc.health.v1.Health/Check). */
export interface HealthCheck {
  /** True when a server of the service says SERVING within the time; never rejects. */
  healthy(timeoutMs: number): Promise<boolean>;
  close(): void;
}

/** HealthCheckResponse { status: SERVING }. The request is an empty message: the server as a whole. */
const serving = Buffer.from([0x08, 0x01]);
const method = "/grpc.health.v1.Health/Check";

/** Asks, of one server after the other, before a service counts as away. */
const asks = 3;

/**
 * A client of its own connections. By turns: the default would ask one server for as long as its connection lasts, also
 * where it is leaving while others serve.
 */
function openClient(target: string, credentials: ChannelCredentials): Client {
  return new Client(target, credentials, {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    "grpc.service_config_disable_resolution": 1,
    "grpc.use_local_subchannel_pool": 1,
    // A proxy is for upstreams: grpc-js would send calls between processes through HTTP_PROXY too.
    "grpc.enable_http_proxy": 0,
    "grpc.max_reconnect_backoff_ms": 1_000,
  });
}

/**
 * Makes a health check of the service at `target`. Where one server does not answer, or none serves, the addresses are
 * looked up and connected to anew for the next time: a server that has left is no longer among them, and nothing else
 * ends a connection whose other end vanished, for a quarter of an hour.
 */
export function createHealthCheck(
  target: string,
  { tls, secret = "" }: { tls?: ClientTls | undefined; secret?: string | undefined } = {},
): HealthCheck {
  const { credentials, stop } = clientCredentials(tls);
  // Sent also where there is none: a server that wants one must refuse us now, not with the first request.
  const metadata = new Metadata();
  metadata.set(secretKey, secret);
  let client = openClient(target, credentials);
  let closed = false;

  /** Replaces a client, unless another check has done so. */
  function renew(asked: Client): void {
    if (closed || asked !== client) return;
    client = openClient(target, credentials);
    asked.close();
  }

  return {
    async healthy(timeoutMs) {
      const untilMs = Date.now() + timeoutMs;
      let silent = false;
      for (let left = asks; left > 0; left -= 1) {
        const leftMs = untilMs - Date.now();
        const asked = client;
        // One that hangs must leave time for the next.
        const serves = await ask(asked, metadata, left === 1 ? leftMs : leftMs / 2);
        silent ||= serves === undefined;
        if (serves !== true) continue;
        if (silent) renew(asked);
        return true;
      }
      renew(client);
      return false;
    },
    close() {
      closed = true;
      client.close();
      stop();
    },
  };
}

/** Whether the server whose turn it is serves; undefined: no answer. */
function ask(client: Client, metadata: Metadata, timeoutMs: number): Promise<boolean | undefined> {
  const options = { deadline: Date.now() + Math.max(0, timeoutMs) };
  return new Promise((resolve) => {
    try {
      client.makeUnaryRequest(method, passBytes, passBytes, Buffer.alloc(0), metadata, options, (error, answer) => {
        resolve(error === null && answer !== undefined ? serving.equals(answer) : undefined);
      });
    } catch {
      // It was closed in the meantime.
      resolve(undefined);
    }
  });
}
