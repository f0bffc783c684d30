import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { expect, test, vi } from "vitest";
import { countConnections } from "./capacity.ts";
import { assertNobodyListens, openDoors, sharesPort } from "./doors.ts";

/** A server with or without further doors, which answers all. */
async function serve({ most = 1_000, more = true }: { most?: number; more?: boolean } = {}) {
  const server = createServer((_request, response) => void response.end("ok"));
  const open = countConnections(server);
  const refused = vi.fn();
  server.maxConnections = most;
  server.on("drop", refused);
  server.listen({ host: "127.0.0.1", port: 0, reusePort: sharesPort });
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const doors = more ? await openDoors(server, { host: "127.0.0.1", port, most, open, refused }) : undefined;
  const clients: Socket[] = [];
  return {
    port,
    open,
    refused,
    doors,
    /** Connects so many clients in one turn of the loop. */
    connect: (count: number) => {
      for (let made = 0; made < count; made += 1) clients.push(connect(port, "127.0.0.1").on("error", () => undefined));
      return clients;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      server.close();
      await Promise.all([once(server, "close"), doors?.close()]);
    },
  };
}

/** Turns of the loop until all of so many clients that come at once are taken. */
async function turnsFor(count: number, more: boolean): Promise<number> {
  await using server = await serve({ more });
  server.connect(count);
  let turns = 0;
  for (; server.open() < count; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  return turns;
}

test.runIf(sharesPort)("clients that come at once are taken many in a turn of the loop", async () => {
  expect(await turnsFor(128, false)).toBeGreaterThanOrEqual(127);
  expect(await turnsFor(256, true)).toBeLessThan(19);
});

test("whichever door a request comes by, it is answered", async () => {
  await using server = await serve();
  const answers = await Promise.all(
    Array.from({ length: 64 }, async () => await (await fetch(`http://127.0.0.1:${server.port}/`)).text()),
  );
  expect(new Set(answers)).toEqual(new Set(["ok"]));
});

test("no more connections are taken than may be, through all doors together, and places that are left are given anew", async () => {
  await using server = await serve({ most: 20 });
  const clients = server.connect(50);
  await vi.waitFor(() => expect(server.refused.mock.calls.length).toBe(30));
  expect(server.open()).toBe(20);
  for (const client of clients) client.destroy();
  await vi.waitFor(() => expect(server.open()).toBe(0));
  server.connect(20);
  await vi.waitFor(() => expect(server.open()).toBe(20));
  expect(server.refused.mock.calls.length).toBe(30);
});

test("closing waits for what came by any door", async () => {
  await using server = await serve();
  const clients = server.connect(32);
  await vi.waitFor(() => expect(server.open()).toBe(32));
  let closed = false;
  const closing = server.doors?.close().then(() => {
    closed = true;
  });
  for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(closed).toBe(!sharesPort);
  for (const client of clients) client.destroy();
  await closing;
  expect(closed).toBe(true);
});

test("a port on which somebody listens is refused, though it could be shared", async () => {
  await using server = await serve();
  await expect(assertNobodyListens("127.0.0.1", server.port)).rejects.toThrow(
    "is in use by another program; HOST and PORT",
  );
  await expect(assertNobodyListens("127.0.0.1", 0)).resolves.toBeUndefined();
});
