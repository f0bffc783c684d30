import { afterEach } from "vitest";
import type { ThroughlineError } from "../errors/error.ts";
import type { EchoService } from "../gen/throughline/testing/v1/echo_pb.ts";
import { createGrpcClient } from "./grpc-client.ts";
import { startGrpcServer } from "./grpc-server.ts";
import { createInProcessServer } from "./in-process.ts";
import { createEcho, type EchoFixture } from "./testing-echo.ts";
import type { ClientControl, ClientOptions, ServiceClient } from "./types.ts";

/** A client of the echo service. */
export type EchoClient = ServiceClient<typeof EchoService> & ClientControl;

/** One echo service and a client of it, over one of the two transports. */
export interface Pair {
  readonly echo: EchoFixture;
  readonly client: EchoClient;
  /** Another client of the same server. */
  another(options?: ClientOptions): EchoClient;
  /** Stops the server; 0 cuts it at once. */
  stop(graceMs: number): Promise<void>;
}

/** Makes a pair; it is closed at the end of the test. One lane a method unless the options say otherwise. */
export type MakePair = (options?: ClientOptions, echo?: EchoFixture) => Promise<Pair>;

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Closes something at the end of the test. */
export function atEnd(close: () => Promise<void>): void {
  closers.push(close);
}

export const grpcPair: MakePair = async (options = {}, echo = createEcho()) => {
  const server = await startGrpcServer([echo.definition], { host: "127.0.0.1", port: 0, health: false });
  const target = `127.0.0.1:${server.port}`;
  function another(more: ClientOptions = {}): EchoClient {
    const client = createGrpcClient(echo.definition.service, { target, lanes: 1, ...more });
    atEnd(() => client.close());
    return client;
  }
  const client = another(options);
  atEnd(() => server.close(0));
  return { echo, client, another, stop: server.close };
};

export const inProcessPair: MakePair = async (options = {}, echo = createEcho()) => {
  const server = createInProcessServer(echo.definition);
  function another(more: ClientOptions = {}): EchoClient {
    const client = server.client({ lanes: 1, ...more });
    atEnd(() => client.close());
    return client;
  }
  const client = another(options);
  atEnd(() => server.close(0));
  return { echo, client, another, stop: server.close };
};

/** Both transports, for `describe.each`: the same cases must hold over both. */
export const transports: readonly (readonly [string, MakePair])[] = [
  ["over gRPC", grpcPair],
  ["in process", inProcessPair],
];

/** Options of a call that is not about its deadline. */
export const soon = { timeoutMs: 5_000 };

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<ThroughlineError> {
  const outcome = await promise.then(
    () => "it did not fail" as const,
    (error: ThroughlineError) => error,
  );
  if (outcome === "it did not fail") throw new Error(outcome);
  return outcome;
}

/** Reads a stream to its end. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
