import { setTimeout as sleep } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { EchoItemSchema } from "../gen/throughline/testing/v1/echo_pb.ts";
import { createEcho } from "./testing-echo.ts";
import { type EchoClient, failureOf, type Pair, soon, transports } from "./testing-pairs.ts";

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe.each(transports)("a batch lane %s", (_name, pair) => {
  test("brings each item its own answer, in the order of asking, in one batch a tick", async () => {
    const { client, echo } = await pair();
    await client.ready(5_000);
    const order: number[] = [];
    const answers = await Promise.all(
      numbers(100).map(async (index) => {
        const answer = await client.echo.call({ text: `t${index}`, data: new Uint8Array([index]) }, soon);
        order.push(index);
        return answer;
      }),
    );
    expect(answers.map(({ text }) => text)).toEqual(numbers(100).map((index) => `t${index}`));
    expect(answers.map(({ data }) => [...data])).toEqual(numbers(100).map((index) => [index]));
    expect(order).toEqual(numbers(100));
    expect(echo.seen.batches).toEqual([100]);
  });

  /** Longer than any test may take: what is answered did not wait for it. */
  const longMs = 600_000;

  test("answers an item that is known later by itself: neither its batch nor the next one waits for it", async () => {
    const { client, echo } = await pair({}, createEcho({ maxConcurrent: 1 }));
    await client.ready(5_000);
    const order: string[] = [];
    const ask = (text: string) => client.echo.call({ text }, soon).then(() => order.push(text));
    const bug = failureOf(client.echo.call({ text: "later-bug" }, soon));
    const later = ask("later");
    await Promise.all([ask("with it"), ask("with it too")]);
    await ask("in the next batch");
    expect(order).toEqual(["with it", "with it too", "in the next batch"]);
    echo.release();
    await later;
    expect((await bug).code).toBe("internal_error");
    expect(echo.seen.batches).toEqual([4, 1]);
  });

  test("few calls wait for the batch that runs, where the method says so; enough of them run beside it", async () => {
    const { client, echo } = await pair(
      {},
      createEcho({ maxConcurrent: 2, besideAnother: { besideFewerThan: 0, enough: 3, afterMs: longMs } }),
    );
    await client.ready(5_000);
    const held = client.echo.call({ text: "hold" }, soon);
    await echo.until(({ texts }) => texts.includes("hold"));
    const few = [client.echo.call({ text: "1" }, soon), client.echo.call({ text: "2" }, soon)];
    // Both have come by when what was asked behind them is answered, and again behind that.
    for (const text of ["behind", "behind that"]) await client.echoOnce({ text }, soon);
    expect(echo.seen.batches).toEqual([1]);
    await Promise.all([...few, client.echo.call({ text: "3" }, soon)]);
    expect(echo.seen.batches).toEqual([1, 3]);
    echo.release();
    await held;
    await client.echo.call({ text: "alone" }, soon);
    expect(echo.seen.batches).toEqual([1, 3, 1]);
  });

  test("no call waits for a batch of few; one that comes behind a larger batch does", async () => {
    const { client, echo } = await pair(
      {},
      createEcho({ maxConcurrent: 2, besideAnother: { besideFewerThan: 2, enough: 9, afterMs: longMs } }),
    );
    await client.ready(5_000);
    const heldOne = client.echo.call({ text: "hold" }, soon);
    await echo.until(({ texts }) => texts.length === 1);
    await client.echo.call({ text: "beside one" }, soon);
    echo.release();
    await heldOne;
    const heldTwo = [1, 2].map(() => client.echo.call({ text: "hold" }, soon));
    await echo.until(({ batches }) => batches.at(-1) === 2);
    const waits = client.echo.call({ text: "behind two" }, soon);
    for (const text of ["behind", "behind that"]) await client.echoOnce({ text }, soon);
    expect(echo.seen.batches).toEqual([1, 1, 2]);
    echo.release();
    await Promise.all([...heldTwo, waits]);
    expect(echo.seen.batches).toEqual([1, 1, 2, 1]);
  });

  test("a call that waits behind a batch which hangs runs beside it after a while", async () => {
    const { client, echo } = await pair(
      {},
      createEcho({ maxConcurrent: 2, besideAnother: { besideFewerThan: 0, enough: 3, afterMs: 1 } }),
    );
    await client.ready(5_000);
    const held = client.echo.call({ text: "hold" }, soon);
    await echo.until(({ texts }) => texts.includes("hold"));
    expect((await client.echo.call({ text: "1" }, soon)).text).toBe("1");
    expect(echo.seen.batches).toEqual([1, 1]);
    echo.release();
    await held;
  });

  test("after a batch of many the next one rests for a while, until there are enough or the server leaves; not after one of few", async () => {
    const resting = {
      maxConcurrent: 2,
      besideAnother: { besideFewerThan: 0, enough: 3, afterMs: longMs },
      rest: { after: 2, forMs: longMs },
    };
    const { client, echo, stop } = await pair({}, createEcho(resting));
    await client.ready(5_000);
    const together = (count: number) => Promise.all(numbers(count).map(() => client.echo.call({ text: "x" }, soon)));
    for (const count of [1, 1, 2, 3]) await together(count);
    const next = client.echo.call({ text: "next" }, soon);
    // It has come by when what was asked behind it is answered, and again behind that.
    for (const text of ["behind", "behind that"]) await client.echoOnce({ text }, soon);
    expect(echo.seen.batches).toEqual([1, 1, 2, 3]);
    await Promise.all([stop(5_000), next]);
    expect(echo.seen.batches).toEqual([1, 1, 2, 3, 1]);
  });

  test("where a method lingers, what comes within the time travels together, also when the client closes", async () => {
    const { client, echo } = await pair({ lingerMs: { echo: 40 } });
    await client.ready(5_000);
    const first = client.echo.call({ text: "first" }, soon);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await Promise.all([first, client.echo.call({ text: "second" }, soon)]);
    expect(echo.seen.batches).toEqual([2]);
    const last = client.echo.call({ text: "last" }, soon);
    await client.close();
    expect((await last).text).toBe("last");
    expect(echo.seen.batches).toEqual([2, 1]);
  });

  const patient = { timeoutMs: 2 * longMs };

  test("where a method lingers, a call that somebody waits for goes at once, and takes along what lingers", async () => {
    const { client, echo } = await pair({ lingerMs: { echo: longMs } });
    await client.ready(5_000);
    const first = client.echo.call({ text: "first" }, patient);
    await Promise.all([first, client.echo.call({ text: "now" }, { ...soon, waited: true })]);
    expect(echo.seen.batches).toEqual([2]);
  });

  test.each([
    ["an item that is waited for", (client: EchoClient) => client.echo.call({ text: "now" }, soon)],
    ["enough of them", (client: EchoClient) => Promise.all([1, 2, 3].map(() => client.echo.call({ text: "x" }, soon)))],
    ["the server that leaves", (_client: EchoClient, stop: Pair["stop"]) => stop(5_000)],
  ])("where a handler lingers, what lingers is taken along by %s", async (_what, take) => {
    const came = Promise.withResolvers<void>();
    const lingering = createEcho({
      lingerMs: longMs,
      enough: 4,
      isWaited({ text }) {
        came.resolve();
        return text === "now";
      },
    });
    const { client, stop } = await pair({}, lingering);
    await client.ready(5_000);
    const first = client.echo.call({ text: "first" }, patient);
    await came.promise;
    await take(client, stop);
    expect((await first).text).toBe("first");
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

  test("gathers what arrives on all lanes while a batch runs", async () => {
    const { client, another, echo } = await pair({ lanes: 2 }, createEcho({ maxConcurrent: 1 }));
    const other = another();
    await Promise.all([client.ready(5_000), other.ready(5_000)]);
    const held = client.echo.call({ text: "hold" }, soon);
    await echo.until(({ texts }) => texts.includes("hold"));
    const mine = client.echo.call({ text: "mine" }, soon);
    const theirs = other.echo.call({ text: "theirs" }, soon);
    // Unary calls on the same connections, sent after them: when they are answered, the items have arrived.
    await Promise.all([mineArrived(client), mineArrived(other)]);
    echo.release();
    expect((await held).batchSize).toBe(1);
    expect((await mine).batchSize).toBe(2);
    expect((await theirs).batchSize).toBe(2);
  });

  test("rejects at the deadline, never sooner, and the handler's signal aborts", async () => {
    const { client, echo } = await pair();
    await client.ready(5_000);
    const startedMs = performance.now();
    const failed = await failureOf(client.echo.call({ text: "watch" }, { timeoutMs: 60 }));
    const tookMs = performance.now() - startedMs;
    expect(failed.code).toBe("upstream_timeout");
    expect(tookMs).toBeGreaterThanOrEqual(60);
    expect(tookMs).toBeLessThan(1_000);
    await echo.until(({ aborted }) => aborted.length > 0);
    expect(echo.seen.aborted).toEqual([{ text: "watch", code: "upstream_timeout" }]);
  });

  test("does not run an item whose deadline has passed before its turn", async () => {
    const { client, echo } = await pair({}, createEcho({ maxConcurrent: 1 }));
    const held = client.echo.call({ text: "hold" }, soon);
    await echo.until(({ texts }) => texts.includes("hold"));
    const late = await failureOf(client.echo.call({ text: "late" }, { timeoutMs: 50 }));
    expect(late.code).toBe("upstream_timeout");
    // The server counts from when the item came to it, and no event tells that its time is over there.
    await sleep(100);
    echo.release();
    await held;
    await client.echo.call({ text: "after" }, soon);
    expect(echo.seen.texts).toEqual(["hold", "after"]);
  });

  test.each([0, -1, Number.NaN])("a time of %s is over before it begins", async (timeoutMs) => {
    const { client, echo } = await pair();
    expect((await failureOf(client.echo.call({ text: "x" }, { timeoutMs }))).code).toBe("upstream_timeout");
    expect(echo.seen.texts).toEqual([]);
  });

  test("a cancel rejects at once and reaches the handler", async () => {
    const { client, echo } = await pair();
    const controller = new AbortController();
    const call = failureOf(client.echo.call({ text: "watch" }, { ...soon, signal: controller.signal }));
    await echo.until(({ texts }) => texts.includes("watch"));
    controller.abort();
    expect((await call).code).toBe("client_closed_request");
    await echo.until(({ aborted }) => aborted.length > 0);
    expect(echo.seen.aborted).toEqual([{ text: "watch", code: "client_closed_request" }]);
  });

  test("a cancel before the tick ends sends nothing", async () => {
    const { client, echo } = await pair();
    await client.ready(5_000);
    const controller = new AbortController();
    const call = failureOf(client.echo.call({ text: "never" }, { ...soon, signal: controller.signal }));
    controller.abort();
    expect((await call).code).toBe("client_closed_request");
    const aborted = failureOf(client.echo.call({ text: "never" }, { ...soon, signal: AbortSignal.abort() }));
    expect((await aborted).code).toBe("client_closed_request");
    await client.echo.call({ text: "after" }, soon);
    expect(echo.seen.texts).toEqual(["after"]);
  });

  test("carries 10,000 items in flight", async () => {
    const { client, echo } = await pair({ lanes: 2 });
    const held = client.echo.call({ text: "hold" }, soon);
    await echo.until(({ texts }) => texts.includes("hold"));
    const answers = await Promise.all(
      numbers(10_000).map((index) => client.echo.call({ text: String(index) }, { ...soon, requestId: BigInt(index) })),
    );
    for (const [index, { text, requestId }] of answers.entries()) {
      if (text !== String(index) || requestId !== BigInt(index)) throw new Error(`answer ${index} is ${text}`);
    }
    expect(echo.seen.batches.length).toBeLessThan(200);
    echo.release();
    await held;
  });

  test("an oversized item fails alone; one at the limit passes", async () => {
    const { client } = await pair({ maxMessageBytes: 3_000_000 });
    const [failed, fine, large] = await Promise.all([
      failureOf(client.echo.call({ data: new Uint8Array(3_000_001) }, soon)),
      client.echo.call({ text: "fine" }, soon),
      client.echo.call({ data: new Uint8Array(2_999_900).fill(7) }, soon),
    ]);
    expect(failed.code).toBe("request_too_large");
    expect(fine.text).toBe("fine");
    expect(large.data.byteLength).toBe(2_999_900);
    expect(large.data.every((byte) => byte === 7)).toBe(true);
  });

  test("an oversized answer is an internal error of that call alone", async () => {
    const { client } = await pair({ maxMessageBytes: 1_000 });
    const [failed, fine] = await Promise.all([
      failureOf(client.echo.call({ text: "grow:1001" }, soon)),
      client.echo.call({ text: "fine" }, soon),
    ]);
    expect(failed.code).toBe("internal_error");
    expect(fine.text).toBe("fine");
  });

  test("answers of more than a batch come whole, in several messages", async () => {
    const { client } = await pair();
    const sizes = [400_000, 700_000, 10, 1_500_000, 1, 300_000, 300_000, 300_000, 300_000];
    const answers = await Promise.all(sizes.map((size) => client.echo.call({ data: new Uint8Array(size) }, soon)));
    expect(answers.map(({ data }) => data.byteLength)).toEqual(sizes);
  });

  test("does not change what it is given, and gives what it was given", async () => {
    const { client } = await pair();
    const item = create(EchoItemSchema, { text: "mine", call: { callId: 77 } });
    expect((await client.echo.call(item, soon)).text).toBe("mine");
    expect(item.call?.callId).toBe(77);
    const plain = create(EchoItemSchema, { text: "mine" });
    await client.echo.call(plain, soon);
    expect(plain.call).toBeUndefined();
  });

  test("a closed client refuses", async () => {
    const { client } = await pair();
    await client.echo.call({ text: "x" }, soon);
    await client.close();
    expect((await failureOf(client.echo.call({ text: "x" }, soon))).code).toBe("service_unavailable");
  });

  test("closing waits for what is open", async () => {
    const { client, echo } = await pair();
    const held = client.echo.call({ text: "hold" }, soon);
    await echo.until(({ texts }) => texts.includes("hold"));
    const closing = client.close();
    echo.release();
    expect((await held).text).toBe("hold");
    await closing;
  });
});

/** A call that is answered after everything its client sent before has arrived. */
async function mineArrived(client: { echoOnce: (request: object, options: typeof soon) => Promise<unknown> }) {
  await new Promise((resolve) => setImmediate(resolve));
  await client.echoOnce({}, soon);
}
