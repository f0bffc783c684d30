import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { connect } from "node:net";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { routesOf } from "../endpoints/endpoint.ts";
import { formEndpoints } from "../endpoints/forms.ts";
import { endpoints } from "../endpoints/index.ts";
import { secrets, startTestGateway, type TestGateway } from "../testing.ts";
import { verbRoute } from "./vendor-paths.ts";

/** A route as the server itself tells it. */
interface Route {
  readonly method: string;
  readonly url: string;
  readonly bodyLimit: number;
}

const chat = "/v1/chat/completions";
/** Routes that anyone may ask. */
const probes = /^\/(healthz|readyz|metrics|console|console\/\*)$/;

/** Starts a gateway and gives every route that its server was told of. */
async function startWithRoutes(): Promise<{ gateway: TestGateway; routes: Route[] }> {
  const routes: Route[] = [];
  const listen = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook("onRoute", ({ method, url, bodyLimit }) => {
      for (const one of [method].flat()) {
        routes.push({ method: one, url, bodyLimit: bodyLimit ?? fastify.initialConfig.bodyLimit ?? 0 });
      }
    });
  };
  subscribe("fastify.initialization", listen);
  try {
    // There are more routes than strangers may ask for in a minute.
    return { gateway: await startTestGateway({}, { unknownKeysPerMinute: 0 }), routes };
  } finally {
    unsubscribe("fastify.initialization", listen);
  }
}

/** Sends a head that announces 16 MB, and none of them; gives the answer and whether the server closed the connection. */
async function announce(port: number, method: string, path: string, headers = ""): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.write(
    `${method} ${path} HTTP/1.1\r\nHost: a\r\n${headers}Content-Type: application/json\r\nContent-Length: 16000000\r\n\r\n`,
  );
  let answer = "";
  socket.on("data", (data) => {
    answer += data.toString();
  });
  // The server ends it: nothing here does.
  await once(socket, "end");
  socket.destroy();
  return answer;
}

describe("a stranger", () => {
  let gateway: TestGateway;
  let routes: Route[];
  beforeAll(async () => {
    ({ gateway, routes } = await startWithRoutes());
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  it("is answered by every route before it has sent a body, and its connection is closed", async () => {
    expect(routes.length).toBeGreaterThan(20);
    const answers = await Promise.all(
      routes.map(async ({ method, url }) => {
        const path = url.replaceAll(/:\w+/g, "x").replace("*", "accounts.create");
        const answer = await announce(gateway.port, method, path);
        return [method, url, Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]), /connection: close/i.test(answer)];
      }),
    );
    // A vendor that calls has no key; it gets no more than this.
    const due = (url: string) => (url === "/callbacks/:token" ? 204 : probes.test(url) ? 200 : 401);
    expect(answers).toEqual(routes.map(({ method, url }) => [method, url, due(url), true]));
  });

  it("is answered likewise where there is no such path, procedure or method", async () => {
    const cases = [
      ["POST", "/nothing", 404],
      ["POST", "/trpc/nothing", 401],
      ["POST", "/trpc/accounts.create,keys.create?batch=1", 401],
      ["POST", "/v1/requests/%E0%A4%A", 400],
      ["PUT", chat, 404],
    ] as const;
    const answers = cases.map(async ([method, path]) => {
      const answer = await announce(gateway.port, method, path);
      return [method, path, Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])];
    });
    expect(await Promise.all(answers)).toEqual(cases);
  });

  it("has its body dropped, and its connection closed, where it sends on", async () => {
    const socket = connect(gateway.port, "127.0.0.1");
    socket.write(
      `POST /trpc/x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 16000000\r\n\r\n`,
    );
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^HTTP\/1\.1 401 /);
    const sendOn = setInterval(() => socket.write(Buffer.alloc(1_000)), 5);
    socket.on("error", () => undefined);
    await once(socket, "close");
    clearInterval(sendOn);
    expect(gateway.lines.filter(({ error_code }) => error_code === "internal_error")).toEqual([]);
  });

  it("that has a key is told what is too large by the head alone", async () => {
    const bearer = `Authorization: Bearer ${secrets.cli}\r\n`;
    const answer = await announce(gateway.port, "POST", "/trpc/accounts.create", bearer);
    expect(answer).toMatch(/^HTTP\/1\.1 413 .*exceeds 1 MB/s);
    const deletion = `Authorization: Bearer ${secrets.api}\r\n`;
    const refused = await announce(gateway.port, "POST", "/bp/ai/ai_request/history/delete", deletion);
    expect(refused).toMatch(/^HTTP\/1\.1 413 .*exceeds 64 kB/s);
  });

  it("finds no route that takes more than it needs", () => {
    const large = routes
      .filter(({ bodyLimit }) => bodyLimit > 64 * 1024)
      .map(({ url }) => url.replace(/^\/trpc\/.*/, "/trpc/*"));
    expect([...new Set(large)].sort()).toEqual([
      ...[
        "/trpc/*",
        "/v1/files",
        "/v1/messages/batches",
        "/v1/messages/count_tokens",
        "/v1/responses/input_tokens",
        "/v1/video/generations",
        "/v1/videos",
        "/v1/videos/:id/remix",
        verbRoute("countTokens"),
        ...[...endpoints, ...formEndpoints].flatMap((endpoint) => routesOf(endpoint)),
      ].sort(),
    ]);
  });

  it("with a key that is unknown gets its whole answer however much it sends with it", async () => {
    const authorization = "Bearer tl-nobody-0123456789";
    const headers = { authorization, "content-type": "application/json" };
    const response = await fetch(gateway.url + chat, { method: "POST", headers, body: "x".repeat(2_000_000) });
    expect([response.status, response.headers.get("connection")]).toEqual([401, "close"]);
    expect(await response.json()).toMatchObject({ error: { code: "invalid_api_key" } });
  });
});

it("a route that does not say who may call it is refused when it is declared", async () => {
  let refusal: unknown;
  const listen = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance };
    // The gateway's own routes are declared in the same turn of the event loop.
    queueMicrotask(() => {
      try {
        fastify.get("/open", () => "hello");
      } catch (error) {
        refusal = error;
      }
    });
  };
  subscribe("fastify.initialization", listen);
  try {
    await using gateway = await startTestGateway();
    expect(String(refusal)).toContain("/open does not say who may call it");
    expect((await gateway.call("/open")).status).toBe(404);
  } finally {
    unsubscribe("fastify.initialization", listen);
  }
});
