import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSimulator, type Simulator } from "../../simulator/simulator.ts";
import { startTestProvider } from "../testing-provider.ts";

let simulator: Simulator;
let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let url: string;
beforeAll(async () => {
  simulator = await createSimulator({});
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await simulator.close();
  server.closeAllConnections();
  server.close();
});

/** What the provider tells routing of one channel's list. */
async function listOf(channel: Parameters<typeof startTestProvider>[0][string]) {
  await using provider = await startTestProvider({ one: channel }, { claims: ["one"] });
  return await provider.listing;
}

test.each([
  ["openai", () => `${simulator.url}/v1`],
  ["anthropic", () => simulator.url],
  ["gemini", () => `${simulator.url}/v1beta`],
] as const)("the list of an upstream of the format %s", async (adapter, baseUrl) => {
  const said = await listOf({ adapter, baseUrl: baseUrl(), credential: "sk-x" });
  expect(said.failure).toBe("");
  expect(said.models.map(({ name }) => name)).toContain("simulated-model");
  const { method, body, headers } = simulator.requests.at(-1) ?? {};
  expect([method, body?.length]).toEqual(["GET", 0]);
  expect(headers).toMatchObject({ "x-request-id": expect.stringMatching(/^\d+$/) });
});

test("days on which models end, and when they were made", async () => {
  answer = (_request, response) => {
    const data = [{ id: "a", created: 1_780_000_000, shutdown_date: "2027-01-14" }, { id: "b" }, { id: 7 }, null];
    response.end(JSON.stringify({ object: "list", data }));
  };
  expect((await listOf({ adapter: "openai", baseUrl: url })).models).toMatchObject([
    { name: "a", createdUnixS: 1_780_000_000n, endsOn: "2027-01-14" },
    { name: "b", createdUnixS: 0n, endsOn: "" },
  ]);
});

test.each([
  ["an error", 404, '{"error":{"message":"no such path sk-secret"}}'],
  ["no list", 200, '{"object":"list"}'],
  ["no JSON", 200, "<html>"],
  ["too much", 200, `{"data":[${" ".repeat(9 * 1024 * 1024)}]}`],
])("%s is told as what it is, and its credential is not", async (_name, status, body) => {
  answer = (_request, response) => response.writeHead(status).end(body);
  const said = await listOf({ adapter: "openai", baseUrl: url, credential: "sk-secret" });
  expect(said.failure).not.toBe("");
  expect(said.failure).not.toContain("sk-secret");
  expect(said.models).toEqual([]);
});
