import { Client } from "@grpc/grpc-js";
import { passBytes } from "./grpc-link.ts";
import { type ClientTls, clientCredentials } from "./tls.ts";

/** Asks a service whether it serves, by the standard health protocol (grpc.health.v1.Health/Check). */
export interface HealthCheck {
  /** True when the service says SERVING within the time; never rejects. */
  healthy(timeoutMs: number): Promise<boolean>;
  close(): void;
}

/** HealthCheckResponse { status: SERVING }. The request is an empty message: the server as a whole. */
const serving = Buffer.from([0x08, 0x01]);
const method = "/grpc.health.v1.Health/Check";

/** Makes a health check of the service at `target`. */
export function createHealthCheck(target: string, tls?: ClientTls): HealthCheck {
  const client = new Client(target, clientCredentials(tls), { "grpc.max_reconnect_backoff_ms": 1_000 });
  return {
    healthy: (timeoutMs) =>
      new Promise((resolve) => {
        client.makeUnaryRequest(
          method,
          passBytes,
          passBytes,
          Buffer.alloc(0),
          { deadline: Date.now() + timeoutMs },
          (error, answer) => resolve(error === null && answer !== undefined && serving.equals(answer)),
        );
      }),
    close: () => client.close(),
  };
}
