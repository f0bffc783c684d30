import { describe, expect, test } from "vitest";
import { createEcho } from "./testing-echo.ts";
import { collect, failureOf, soon, transports } from "./testing-pairs.ts";

describe.each(transports)("when things end, %s", (_name, pair) => {
  test("a server killed in the middle of a batch fails its open calls at once", async () => {
    const { client, echo, stop } = await pair();
    const calls = Array.from({ length: 20 }, (_, index) =>
      failureOf(client.echo.call({ text: index === 0 ? "hold" : "beside" }, soon)),
    );
    await echo.until(({ texts }) => texts.includes("hold"));
    const startedMs = performance.now();
    await stop(0);
    for (const { code } of await Promise.all(calls)) expect(code).toBe("service_unavailable");
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });

  test("a server killed in the middle of a stream fails the loop and the outcome, and aborts the handler", async () => {
    const { client, echo, stop } = await pair();
    const stream = client.count.open({ frames: 2, frameBytes: 1, text: "watch" }, soon);
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    await reader.next();
    const next = failureOf(reader.next());
    await stop(0);
    expect((await next).code).toBe("service_unavailable");
    expect((await failureOf(stream.outcome)).code).toBe("service_unavailable");
    await echo.until(({ aborted }) => aborted.length > 0);
    expect(echo.seen.aborted).toEqual([{ text: "watch", code: "service_unavailable" }]);
  });

  test("without a peer a call waits 2 s, or until its deadline", async () => {
    const { client, stop } = await pair();
    await client.echo.call({ text: "x" }, soon);
    await stop(0);
    const startedMs = performance.now();
    const [patient, hasty, stream] = await Promise.all([
      failureOf(client.echo.call({ text: "x" }, soon)),
      failureOf(client.echo.call({ text: "x" }, { timeoutMs: 100 })),
      failureOf(collect(client.count.open({}, soon))),
    ]);
    expect(patient.code).toBe("service_unavailable");
    expect(hasty.code).toBe("upstream_timeout");
    expect(stream.code).toBe("service_unavailable");
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(1_990);
    expect(performance.now() - startedMs).toBeLessThan(3_000);
  });

  test("a server that stops gracefully lets open calls end and takes no new ones", async () => {
    const { client, another, echo, stop } = await pair();
    const held = client.echo.call({ text: "hold" }, soon);
    const stream = client.count.open({ frames: 3, frameBytes: 1, text: "hold" }, soon);
    await echo.until(({ texts }) => texts.filter((text) => text === "hold").length === 2);
    let stopped = false;
    const stopping = stop(5_000).then(() => {
      stopped = true;
    });
    // While the one client finds that no new lane is to be had, the other learns that its own is not for new calls.
    expect((await failureOf(another().echo.call({ text: "new" }, { timeoutMs: 200 }))).code).toBe("upstream_timeout");
    expect((await failureOf(client.echo.call({ text: "new" }, { timeoutMs: 200 }))).code).toBe("upstream_timeout");
    expect(stopped).toBe(false);
    echo.release();
    expect((await held).text).toBe("hold");
    expect((await collect(stream)).length).toBe(3);
    expect((await stream.outcome).frames).toBe(3);
    await stopping;
    expect(echo.seen.texts).not.toContain("new");
  });

  test("a graceful stop cuts what is open when the grace is over", async () => {
    const { client, echo, stop } = await pair();
    const held = failureOf(client.echo.call({ text: "hold" }, soon));
    await echo.until(({ texts }) => texts.includes("hold"));
    await stop(50);
    expect((await held).code).toBe("service_unavailable");
  });

  test("renewal loses nothing", async () => {
    const { client, echo } = await pair({ lanes: 2, laneMaxAgeMs: 25 }, createEcho());
    const endMs = performance.now() + 500;
    const long = client.count.open({ frames: 2_000, frameBytes: 10 }, soon);
    const frames = collect(long);
    let sent = 0;
    const callers = Array.from({ length: 20 }, async () => {
      while (performance.now() < endMs) {
        const text = String(sent);
        sent += 1;
        expect((await client.echo.call({ text }, soon)).text).toBe(text);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    await Promise.all(callers);
    expect((await frames).map(({ index }) => index)).toEqual(Array.from({ length: 2_000 }, (_, index) => index));
    expect(new Set(echo.seen.texts).size).toBe(echo.seen.texts.length);
    expect(echo.seen.texts.length).toBe(sent + 1);
  });

  test("after a cancel without an answer the outcome rejects when the grace is over", async () => {
    const { client } = await pair();
    const options = { timeoutMs: 60_000, outcomeGraceMs: 100 };
    const stream = client.count.open({ frames: 1, frameBytes: 1, text: "never" }, options);
    for await (const _frame of stream) break;
    const startedMs = performance.now();
    expect((await failureOf(stream.outcome)).code).toBe("client_closed_request");
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(100);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});
