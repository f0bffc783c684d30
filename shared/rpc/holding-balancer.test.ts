import { setTimeout as sleep } from "node:timers/promises";
import { Client, credentials, experimental, Metadata } from "@grpc/grpc-js";
import { expect, onTestFinished, test, vi } from "vitest";
import { createGrpcClient } from "./grpc-client.ts";
import { startGrpcServer } from "./grpc-server.ts";
import { holdingRoundRobin } from "./holding-balancer.ts";
import { createEcho } from "./testing-echo.ts";
import { soon } from "./testing-pairs.ts";

/** Names whose addresses a test changes: `moving:///any`. */
let ports: readonly number[] = [];
const listeners = new Set<() => void>();

class MovingResolver implements experimental.Resolver {
  private readonly tell: () => void;

  constructor(_target: experimental.GrpcUri, listener: experimental.ResolverListener) {
    this.tell = () => {
      const addresses = ports.map((port) => ({ addresses: [{ host: "127.0.0.1", port }] }));
      listener(experimental.statusOrFromValue(addresses), {}, null, "");
    };
    listeners.add(this.tell);
  }

  updateResolution(): void {
    setImmediate(this.tell);
  }

  destroy(): void {
    listeners.delete(this.tell);
  }

  static getDefaultAuthority(): string {
    return "localhost";
  }
}

test("why no connection could be made is still told after the addresses were looked up anew", async () => {
  experimental.registerResolver("moving", MovingResolver);
  const closed = await startGrpcServer([], { host: "127.0.0.1", port: 0 });
  await closed.close(0);
  ports = [closed.port];
  const client = new Client("moving:///any", credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ [holdingRoundRobin]: {} }] }),
    // The next attempt is far off.
    "grpc.initial_reconnect_backoff_ms": 60_000,
  });
  onTestFinished(() => client.close());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const call = (): Promise<string | undefined> =>
    new Promise((resolve) => {
      const options = { deadline: Date.now() + 5_000 };
      client.makeUnaryRequest("/a/b", asIs, asIs, Buffer.alloc(0), new Metadata(), options, (failure) =>
        resolve(failure?.details),
      );
    });
  expect(await call()).toContain("ECONNREFUSED");
  for (let looks = 0; looks < 3; looks += 1) {
    for (const tell of listeners) tell();
    expect(await call()).toContain("ECONNREFUSED");
  }
});

test("a stream goes on over its connection when its server is no longer among the addresses, and new calls go to the others", async () => {
  experimental.registerResolver("moving", MovingResolver);
  // Connections that nobody uses are looked for every ten seconds, by an interval of grpc-js.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const [old, next] = [createEcho(), createEcho()];
  const serve = async (echo: typeof old) => {
    const server = await startGrpcServer([echo.definition], { host: "127.0.0.1", port: 0 });
    onTestFinished(() => server.close(0));
    return server.port;
  };
  const [oldPort, nextPort] = [await serve(old), await serve(next)];
  ports = [oldPort];
  const keepaliveMs = 50;
  const client = createGrpcClient(createEcho().definition.service, {
    target: "moving:///any",
    lanes: 1,
    keepaliveMs,
    laneMaxAgeMs: 200,
  });
  onTestFinished(() => client.close());
  const stream = client.count.open({ frames: 1, frameBytes: 1, text: "hold" }, { timeoutMs: 30_000 });
  let ended = "no";
  void stream.outcome.then(
    () => (ended = "whole"),
    (error: unknown) => (ended = String(error)),
  );
  await old.until((seen) => seen.texts.includes("hold"));

  ports = [nextPort];
  for (const tell of listeners) tell();
  expect(await client.echo.call({ text: "x" }, soon)).toMatchObject({ text: "x" });
  await vi.waitFor(async () => {
    await client.echo.call({ text: "y" }, soon);
    expect(next.seen.texts).toContain("y");
  });
  vi.advanceTimersByTime(20_000);
  // Several keepalives: the first one cut the stream.
  await sleep(10 * keepaliveMs);
  expect(ended).toBe("no");
  old.release();
  expect(await stream.outcome).toMatchObject({ frames: 1, cancelled: false });
}, 20_000);
