import { once } from "node:events";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { createComplaint } from "./complaint.ts";
import { createGrpcClient } from "./grpc-client.ts";
import { startGrpcServer } from "./grpc-server.ts";
import { createHealthCheck } from "./health.ts";
import { parsePeerSecrets, secretKey } from "./peer-secret.ts";
import { methodPath } from "./shape.ts";
import { createEcho } from "./testing-echo.ts";
import { failureOf, soon } from "./testing-pairs.ts";

const own = "an-old-secret-of-this-deployment";
const next = "the-next-secret-of-this-deployment";

/** A server that asks for a secret, what it logged, and how many calls it refused. */
async function serve(asked: string | null = `${own}, ${next}`) {
  const echo = createEcho();
  const warnings: object[] = [];
  let refused = 0;
  const server = await startGrpcServer([echo.definition], {
    host: "127.0.0.1",
    port: 0,
    log: { info() {}, error() {}, warn: (fields) => void warnings.push(fields) },
    secrets: asked === null ? undefined : parsePeerSecrets(asked),
    onRefused: () => {
      refused += 1;
    },
  });
  onTestFinished(() => server.close(0));
  const target = `127.0.0.1:${server.port}`;
  const client = (secret: string | undefined) => {
    const made = createGrpcClient(echo.definition.service, { target, secret, lanes: 1 });
    onTestFinished(() => made.close());
    return made;
  };
  return { echo, warnings, port: server.port, target, client, refusals: () => refused };
}

/** The gRPC status of a call of which only the head was sent; undefined: the server waits for a message. */
async function statusOfHead(port: number, path: string, secret: string | undefined): Promise<number | undefined> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...(secret === undefined ? {} : { [secretKey]: secret }),
    });
    const answered = new Promise<number | undefined>((resolve) => {
      const read = (headers: IncomingHttpHeaders) => {
        if (headers["grpc-status"] !== undefined) resolve(Number(headers["grpc-status"]));
      };
      stream.on("response", read);
      stream.on("trailers", read);
      stream.on("error", () => resolve(undefined));
    });
    // A ping's answer comes after all that the server had to say to the head.
    await once(session, "remoteSettings");
    const quiet = (async () => {
      for (let i = 0; i < 5; i++) await new Promise((resolve) => session.ping(resolve));
      return undefined;
    })();
    stream.resume();
    return await Promise.race([answered, quiet]);
  } finally {
    session.destroy();
  }
}

describe("a server with a secret", () => {
  const methods = createEcho().definition.service.methods.map(methodPath);
  const reflection = [1, 2].map(
    (n) => `/grpc.reflection.v1${n === 1 ? "" : "alpha"}.ServerReflection/ServerReflectionInfo`,
  );
  const wrong = [undefined, "", "x", own.slice(1), `${own}x`, `${own},${next}`, own.toUpperCase()];

  test.each([...methods, ...reflection])("refuses %s before a message is read, whatever is wrong", async (path) => {
    const { port, echo, refusals } = await serve();
    for (const secret of wrong) expect(await statusOfHead(port, path, secret)).toBe(status.UNAUTHENTICATED);
    for (const secret of [own, next]) expect(await statusOfHead(port, path, secret)).toBeUndefined();
    expect(refusals()).toBe(wrong.length);
    expect(echo.seen.texts).toEqual([]);
  });

  test("answers probes that know none, and refuses those that know another", async () => {
    const { port, target } = await serve();
    expect(await statusOfHead(port, "/grpc.health.v1.Health/Check", undefined)).toBeUndefined();
    expect(await statusOfHead(port, "/grpc.health.v1.Health/Check", "another")).toBe(status.UNAUTHENTICATED);
    const healthy = async (secret: string | undefined) => {
      const check = createHealthCheck(target, { secret });
      onTestFinished(async () => check.close());
      return await check.healthy(2_000);
    };
    expect([await healthy(next), await healthy(own), await healthy("another"), await healthy(undefined)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test("serves clients of either secret during a rotation", async () => {
    const { client } = await serve();
    for (const secret of [own, next]) {
      expect((await client(secret).echo.call({ text: "lane" }, soon)).text).toBe("lane");
      expect((await client(secret).echoOnce({ text: "unary" }, soon)).text).toBe("unary");
    }
  });

  test("is away to clients without it; the cause names the setting, the message does not", async () => {
    const { client, echo } = await serve();
    const unary = await failureOf(client("another").echoOnce({ text: "unary" }, soon));
    expect([unary.code, unary.message]).toEqual([
      "service_unavailable",
      "A part of the platform could not be reached.",
    ]);
    expect(String(unary.cause)).toContain("GRPC_SECRET");
    expect((await failureOf(client("another").echo.call({ text: "lane" }, soon))).code).toBe("service_unavailable");
    expect(echo.seen.texts).toEqual([]);
  });

  test("logs the first refusal and then one line a minute, never a secret", async () => {
    const { port, warnings } = await serve();
    for (let i = 0; i < 5; i++) await statusOfHead(port, methods[0] ?? "", "a-secret-of-somebody-else");
    expect(warnings).toEqual([
      { method: methods[0], peer: expect.stringContaining("127.0.0.1"), given: true, count: 1 },
    ]);
    expect(JSON.stringify(warnings)).not.toContain("a-secret-of-somebody-else");
    let nowMs = 0;
    const told: unknown[] = [];
    const complaint = createComplaint({ warn: (fields) => void told.push(fields) }, "said", () => nowMs);
    for (nowMs = 0; nowMs < 180_000; nowMs += 1_000) complaint.tell({});
    expect(told).toEqual([{ count: 1 }, { count: 60 }, { count: 60 }]);
  });
});

test("without a secret anybody may call, as between rooms of one process", async () => {
  const { client } = await serve(null);
  expect((await client(undefined).echo.call({ text: "lane" }, soon)).text).toBe("lane");
});

describe("parsePeerSecrets", () => {
  test.each([
    "",
    "short",
    "0123456789abcdef0123456789abcd",
    `${own},`,
    `${own},short`,
    "with a space in its middle part",
    "é".repeat(40),
  ])("refuses %j without repeating it", (text) => {
    expect(() => parsePeerSecrets(text)).toThrow(/^GRPC_SECRET must/);
    try {
      parsePeerSecrets(text);
    } catch (error) {
      if (text.length > 5) expect(String(error)).not.toContain(text);
    }
  });

  test("accepts each of its secrets and nothing else", () => {
    const secret = fc.stringMatching(/^[!-+\--~]{32,64}$/);
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1, maxLength: 4 }), fc.string(), (list, other) => {
        const parsed = parsePeerSecrets(list.join(","));
        expect(parsed.sent).toBe(list[0]);
        for (const one of list) expect(parsed.accepts(one)).toBe(true);
        expect(parsed.accepts(other)).toBe(list.includes(other));
      }),
    );
  });
});
