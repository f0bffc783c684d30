import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { freePort } from "../free-ports.ts";
import { EchoService } from "../gen/throughline/testing/v1/echo_pb.ts";
import { createGrpcClient, type GrpcClientOptions } from "./grpc-client.ts";
import { type GrpcServer, startGrpcServer } from "./grpc-server.ts";
import { createEcho, type EchoFixture } from "./testing-echo.ts";
import { atEnd, type EchoClient, failureOf, soon } from "./testing-pairs.ts";

async function serve(echo: EchoFixture, port = 0): Promise<GrpcServer> {
  const server = await startGrpcServer([echo.definition], { host: "127.0.0.1", port });
  atEnd(() => server.close(0));
  return server;
}

function connect(options: GrpcClientOptions): EchoClient {
  const client = createGrpcClient(EchoService, options);
  atEnd(() => client.close());
  return client;
}

/** A target of two peers. */
function both(first: GrpcServer, second: GrpcServer): string {
  return `ipv4:127.0.0.1:${first.port},127.0.0.1:${second.port}`;
}

async function serveInChild(): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(fileURLToPath(new URL("./testing-serve.ts", import.meta.url)), { execArgv: [] });
  atEnd(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return { child, port };
}

describe("several peers", () => {
  test("share the calls", async () => {
    const [one, two] = [createEcho(), createEcho()];
    const client = connect({ target: both(await serve(one), await serve(two)), lanes: 4, laneMaxAgeMs: 200 });
    const endMs = performance.now() + 600;
    while (performance.now() < endMs) {
      await Promise.all(Array.from({ length: 5 }, () => client.echo.call({ text: "x" }, soon)));
    }
    const [first, second] = [one.seen.texts.length, two.seen.texts.length];
    expect(Math.min(first, second)).toBeGreaterThan((first + second) / 10);
  });

  test("one that stops gracefully under load loses no call, idempotent or not", async () => {
    const [one, two] = [createEcho(), createEcho()];
    const leaving = await serve(one);
    const client = connect({ target: both(leaving, await serve(two)), lanes: 4, laneMaxAgeMs: 100 });
    let sent = 0;
    let stop = false;
    const callers = Array.from({ length: 20 }, async () => {
      while (!stop) {
        const text = String(sent);
        sent += 1;
        expect((await client.echo.call({ text }, soon)).text).toBe(text);
      }
    });
    await Promise.all([one, two].map((echo) => echo.until(({ texts }) => texts.length > 200)));
    await leaving.close(5_000);
    const before = two.seen.texts.length;
    await two.until(({ texts }) => texts.length > before + 500);
    stop = true;
    await Promise.all(callers);
    expect(one.seen.texts.length + two.seen.texts.length).toBe(sent);
  });

  test("one that dies: idempotent calls go to the other, once; the rest fail", async () => {
    const [one, two] = [createEcho({ maxConcurrent: 1_000 }), createEcho({ maxConcurrent: 1_000 })];
    const dying = await serve(one);
    const target = both(dying, await serve(two));
    const repeating = connect({ target, laneMaxAgeMs: 100, idempotent: ["echo"] });
    const plain = connect({ target, laneMaxAgeMs: 100 });
    const repeatable: Promise<unknown>[] = [];
    const others: Promise<unknown>[] = [];
    const heldBy = (echo: EchoFixture, prefix: string): string[] =>
      echo.seen.texts.filter((text) => text.startsWith(prefix));
    const spread = (): boolean =>
      [one, two].every((echo) => heldBy(echo, "hold:r").length > 1 && heldBy(echo, "hold:p").length > 1);
    while (!spread()) {
      const index = repeatable.length;
      repeatable.push(repeating.echo.call({ text: `hold:r${index}` }, soon));
      others.push(plain.echo.call({ text: `hold:p${index}` }, soon).catch((error: unknown) => error));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await until([one, two], () => one.seen.texts.length + two.seen.texts.length === 2 * repeatable.length);
    const lostRepeatable = heldBy(one, "hold:r");
    const lostPlain = heldBy(one, "hold:p");
    const survived = two.seen.texts.length;
    await dying.close(0);
    await two.until(({ texts }) => texts.length === survived + lostRepeatable.length);
    expect(two.seen.texts.slice(survived).toSorted()).toEqual(lostRepeatable.toSorted());
    two.release();
    expect(await Promise.all(repeatable)).toMatchObject(repeatable.map((_, index) => ({ text: `hold:r${index}` })));
    for (const [index, answer] of (await Promise.all(others)).entries()) {
      const text = `hold:p${index}`;
      expect(answer).toMatchObject(lostPlain.includes(text) ? { code: "service_unavailable" } : { text });
    }
  });
});

/** Resolves when the condition holds; looked at whenever one of the services has seen something. */
async function until(echoes: readonly EchoFixture[], condition: () => boolean): Promise<void> {
  await Promise.race(echoes.map((echo) => echo.until(condition)));
}

describe("one peer", () => {
  test("a process that is killed fails its open calls; a call then waits for the next one", async () => {
    const { child, port } = await serveInChild();
    const client = connect({ target: `127.0.0.1:${port}` });
    const held = failureOf(client.echo.call({ text: "hold" }, soon));
    const holding = once(child, "message");
    await holding;
    child.kill("SIGKILL");
    expect((await held).code).toBe("service_unavailable");
    const lane = client.echo.call({ text: "again" }, soon);
    const unary = client.echoOnce({ text: "again" }, soon);
    await serve(createEcho(), port);
    expect((await lane).text).toBe("again");
    expect((await unary).text).toBe("again");
  });

  test("listens at a socket in the file system, also where one that was killed has left its own", async () => {
    const folder = await mkdtemp(join(tmpdir(), "throughline-socket-"));
    atEnd(() => rm(folder, { recursive: true, force: true }));
    const host = `unix:${join(folder, "echo")}`;
    await writeFile(join(folder, "echo"), "");
    const serveThere = async () => {
      const server = await startGrpcServer([createEcho().definition], { host, port: 0 });
      atEnd(() => server.close(0));
      return server;
    };
    const first = await serveThere();
    const client = connect({ target: host });
    expect((await client.echo.call({ text: "over a socket" }, soon)).text).toBe("over a socket");
    await first.close(0);
    await serveThere();
    expect((await client.echoOnce({ text: "again" }, soon)).text).toBe("again");
    expect((await client.echo.call({ text: "once more" }, soon)).text).toBe("once more");
  });

  test("a client made before its server waits for it", async () => {
    const port = await freePort();
    const client = connect({ target: `dns:///127.0.0.1:${port}` });
    const early = client.echo.call({ text: "early" }, soon);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await serve(createEcho(), port);
    expect((await early).text).toBe("early");
    await client.ready(5_000);
  });

  test("without a peer `ready` and unary calls give up", async () => {
    const probe = await serve(createEcho());
    await probe.close(0);
    const client = connect({ target: `127.0.0.1:${probe.port}` });
    const startedMs = performance.now();
    const [ready, unary] = await Promise.all([
      failureOf(client.ready(100)),
      failureOf(client.echoOnce({ text: "x" }, soon)),
    ]);
    expect(ready.code).toBe("service_unavailable");
    expect(unary.code).toBe("service_unavailable");
    expect(performance.now() - startedMs).toBeLessThan(3_000);
  });

  test("the smaller limit of the two holds", async () => {
    const echo = createEcho();
    const server = await startGrpcServer([echo.definition], { host: "127.0.0.1", port: 0, maxMessageBytes: 5_000 });
    atEnd(() => server.close(0));
    const client = connect({ target: `127.0.0.1:${server.port}` });
    const [failed, fine] = await Promise.all([
      failureOf(client.echo.call({ data: new Uint8Array(5_001) }, soon)),
      client.echo.call({ data: new Uint8Array(4_900) }, soon),
    ]);
    expect(failed.code).toBe("request_too_large");
    expect(fine.data.byteLength).toBe(4_900);
  });

  test("an item that is no message fails alone", async () => {
    const client = connect({ target: `127.0.0.1:${(await serve(createEcho())).port}` });
    const [failed, fine] = await Promise.all([
      failureOf(client.count.call({ frames: -1 }, soon)),
      client.count.call({ frames: 1 }, soon),
    ]);
    expect(failed.code).toBe("internal_error");
    expect(fine.frames).toBe(1);
  });
});
