import { afterEach, describe, expect, test } from "vitest";
import type { ThroughlineError } from "../errors/error.ts";
import type { EchoService } from "../gen/throughline/testing/v1/echo_pb.ts";
import { createGrpcClient } from "./grpc-client.ts";
import { startGrpcServer } from "./grpc-server.ts";
import { createInProcessServer } from "./in-process.ts";
import { createEcho, type EchoFixture } from "./testing/echo.ts";
import type { ClientControl, ClientOptions, ServiceClient } from "./types.ts";

type EchoClient = ServiceClient<typeof EchoService> & ClientControl;

/** One service and one client of it, over one of the two transports. */
interface Pair {
  readonly echo: EchoFixture;
  readonly client: EchoClient;
  /** Stops the server; 0 cuts it at once. */
  stop(graceMs: number): Promise<void>;
}

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function grpcPair(options: ClientOptions = {}, echo = createEcho()): Promise<Pair> {
  const server = await startGrpcServer([echo.definition], { host: "127.0.0.1", port: 0, health: false });
  const client = createGrpcClient(echo.definition.service, {
    target: `127.0.0.1:${server.port}`,
    lanes: 1,
    ...options,
  });
  closers.push(
    () => server.close(0),
    () => client.close(),
  );
  return { echo, client, stop: (graceMs) => server.close(graceMs) };
}

async function inProcessPair(options: ClientOptions = {}, echo = createEcho()): Promise<Pair> {
  const server = createInProcessServer(echo.definition);
  const client = server.client({ lanes: 1, ...options });
  closers.push(
    () => server.close(0),
    () => client.close(),
  );
  return { echo, client, stop: (graceMs) => server.close(graceMs) };
}

const soon = { timeoutMs: 5_000 };

/** What a promise rejects with. */
async function failureOf(promise: Promise<unknown>): Promise<ThroughlineError> {
  try {
    await promise;
  } catch (error) {
    return error as ThroughlineError;
  }
  throw new Error("it did not fail");
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe.each([
  ["gRPC", grpcPair],
  ["in process", inProcessPair],
])("a batch lane, %s", (_name, pair) => {
  test("brings each item its own answer, in the order of asking, in one batch a tick", async () => {
    const { client, echo } = await pair();
    await client.ready(5_000);
    const order: number[] = [];
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const answer = await client.echo.call({ text: `t${index}`, data: new Uint8Array([index]) }, soon);
        order.push(index);
        return answer;
      }),
    );
    expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 100 }, (_, index) => `t${index}`));
    expect(answers.map(({ data }) => [...data])).toEqual(Array.from({ length: 100 }, (_, index) => [index]));
    expect(order).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(echo.seen.batches).toEqual([100]);
  });

  test("hands the envelope to the handler, and the item without it", async () => {
    const { client } = await pair();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const answer = await client.echo.call(
      { text: "x", call: { callId: 77, requestId: 5n } },
      { ...soon, requestId: 2n ** 64n - 1n, traceparent },
    );
    expect(answer).toMatchObject({ requestId: 2n ** 64n - 1n, traceparent, batchSize: 1 });
  });

  test("gives an item's error to that item alone, whole", async () => {
    const { client } = await pair();
    const [failed, fine] = await Promise.all([
      failureOf(client.echo.call({ text: "fail:budget" }, soon)),
      client.echo.call({ text: "fine" }, soon),
    ]);
    expect(fine.text).toBe("fine");
    expect(failed).toMatchObject({
      code: "insufficient_quota",
      httpStatus: 429,
      message: "The budget is spent.",
      param: "model",
      retryAfterMs: 1_500,
      upstreamRequestId: "up-1",
      headers: { "x-ratelimit-limit": "7" },
    });
  });

  test.each(["throw", "wrong-count"])("a handler's bug (%s) is an internal error without its text", async (text) => {
    const { client } = await pair();
    const failed = await failureOf(client.echo.call({ text }, soon));
    expect(failed.code).toBe("internal_error");
    expect(failed.message).not.toContain("secret");
  });

  test("an item that cannot be encoded fails alone", async () => {
    const { client } = await pair();
    const wrong = { text: 5 } as unknown as { text: string };
    const [failed, fine] = await Promise.all([
      failureOf(client.echo.call(wrong, soon)),
      client.echo.call({ text: "fine" }, soon),
    ]);
    expect(failed.code).toBe("internal_error");
    expect(fine.text).toBe("fine");
  });

  test("rejects at the deadline, and the handler's signal aborts", async () => {
    const { client, echo } = await pair();
    await client.ready(5_000);
    const startedMs = performance.now();
    const failed = await failureOf(client.echo.call({ text: "watch" }, { timeoutMs: 60 }));
    expect(failed.code).toBe("upstream_timeout");
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(59);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    await echo.until(({ aborted }) => aborted.length > 0);
    expect(echo.seen.aborted).toEqual([{ text: "watch", code: "upstream_timeout" }]);
  });
});
