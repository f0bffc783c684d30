import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { AuthenticateItem, Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { unaryHandler } from "../../shared/rpc/index.ts";
import type { GatewayConfig } from "../config.ts";
import { each, principals, type Stubs, secrets, startTestGateway, type TestGateway } from "../testing.ts";
import { clientOf, failure } from "../trpc/testing.ts";
import { networkOf } from "./free-limits.ts";
import { createMinuteCounts } from "./minute-counts.ts";

const chat = "/v1/chat/completions";
const hello = { model: "gpt-4o", messages: [{ role: "user", content: "Hello" }] };
const routing: Stubs["routing"] & object = { listModels: unaryHandler(async () => ({ models: [] })) };
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

/** Calls and gives the status. */
async function status(gateway: TestGateway, path: string, body?: unknown, headers?: Record<string, string>) {
  const response = await gateway.call(path, body, headers === undefined ? {} : { headers });
  const text = await response.text();
  if (response.status === 429) {
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(response.headers.get("retry-after"))).toBeLessThanOrEqual(60);
    expect(JSON.parse(text)).toMatchObject({ error: { code: "rate_limit_exceeded" } });
  }
  return response.status;
}

async function metric(gateway: TestGateway, name: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  const line = text.split("\n").find((one) => one.startsWith(`throughline_${name}`) && !one.startsWith("#"));
  return Number(line?.split(" ").at(-1) ?? 0);
}

const start = (config: Partial<GatewayConfig>) => startTestGateway({ routing }, config);

describe("requests without a usable key", () => {
  it("are refused beyond the limit of their address without asking billing; good keys go on", async () => {
    const good = createHash("sha256").update(secrets.api).digest();
    let asked = 0;
    const authenticate = each<AuthenticateItem, Principal>(({ secretSha256 }) => {
      asked += 1;
      if (Buffer.from(secretSha256).equals(good)) return principals.api;
      throw new ThroughlineError("invalid_api_key", "The API key is unknown.");
    });
    await using gateway = await startTestGateway({ routing, billing: { authenticate } }, { unknownKeysPerMinute: 3 });
    expect(await status(gateway, "/v1/models")).toBe(200);
    expect(await status(gateway, "/v1/models", undefined, bearer("tl-guess-1"))).toBe(401);
    expect(await status(gateway, chat, hello, bearer("tl-guess-2"))).toBe(401);
    expect(await status(gateway, "/v1/models", undefined, { authorization: "" })).toBe(401);
    const before = asked;
    expect(await status(gateway, chat, hello, bearer("tl-guess-3"))).toBe(429);
    expect(await status(gateway, "/v1/models", undefined, { authorization: "" })).toBe(429);
    const told = await failure(() => clientOf(gateway, "unknown").accounts.list.query());
    expect(told.data).toMatchObject({ code: "rate_limit_exceeded", httpStatus: 429 });
    expect(asked).toBe(before);
    expect(await status(gateway, "/v1/models")).toBe(200);
    expect(await status(gateway, chat, hello)).toBe(200);
    expect(await metric(gateway, 'edge_refusals_total{reason="unknown_keys"')).toBe(3);
  });

  it("count by network: an IPv4 address, or the half of an IPv6 address that is given out", () => {
    expect(networkOf("192.0.2.7")).toBe(networkOf("::ffff:192.0.2.7"));
    expect(networkOf("2001:db8:1:2::1")).toBe(networkOf("2001:db8:1:2:ffff::9"));
    expect(networkOf("2001:db8:1:2::1")).not.toBe(networkOf("2001:db8:1:3::1"));
    expect(networkOf("x".repeat(1_000))).toHaveLength(64);
  });
});

describe("requests that cost nothing", () => {
  it("have a limit by key, which a batch does not pass by and administration does not meet", async () => {
    const billing: Stubs["billing"] & object = {
      listAccounts: unaryHandler(async () => ({ accounts: [], hasMore: false })),
    };
    const history: Stubs["history"] & object = {
      listRecords: unaryHandler(async () => ({ records: [], nextCursor: 0n })),
    };
    await using gateway = await startTestGateway({ routing, billing, history }, { freeRequestsPerMinute: 4 });
    for (let i = 0; i < 4; i++) expect(await status(gateway, "/v1/models")).toBe(200);
    for (const path of [
      "/v1/models",
      "/v1/models/x",
      "/v1/requests/1",
      "/ai_request/history/query?page=1&page_size=1",
    ]) {
      expect([path, await status(gateway, path)]).toEqual([path, 429]);
    }
    expect(await status(gateway, "/bp/ai/ai_request/history/delete", { request_ids: ["1"] })).toBe(429);
    expect(await status(gateway, "/v1/messages/count_tokens", hello)).toBe(429);
    // Billing limits what costs money.
    expect(await status(gateway, chat, hello)).toBe(200);

    const batch = Array.from({ length: 5 }, () => "requests.list").join(",");
    expect(await status(gateway, `/trpc/${batch}?batch=1`, undefined, bearer(secrets.server))).toBe(200);
    expect((await failure(() => clientOf(gateway, "server").requests.list.query())).data).toMatchObject({
      code: "rate_limit_exceeded",
    });
    for (let i = 0; i < 8; i++) expect(await clientOf(gateway).accounts.list.query()).toMatchObject({ accounts: [] });
    expect(gateway.recorded.filter(({ errorCode }) => errorCode !== "")).toEqual([]);
  });

  it("count five times where they ask an upstream", async () => {
    await using gateway = await start({ freeRequestsPerMinute: 6 });
    const { messages, model } = hello;
    for (const wanted of [400, 400, 429]) {
      expect(await status(gateway, "/v1/messages/count_tokens", { messages, model: 5, [model]: 1 })).toBe(wanted);
    }
  });
});

describe("requests that are invalid", () => {
  it("are refused by the head beyond those that were served, and only so many refusals are recorded", async () => {
    const limits = { invalidRequestsPerMinute: 3, refusalRecordsPerMinute: 2 };
    await using gateway = await start(limits);
    const invalid = () => status(gateway, chat, { model: "gpt-4o" });
    expect([await invalid(), await invalid()]).toEqual([400, 400]);
    expect(await status(gateway, chat, hello)).toBe(200);
    expect([await invalid(), await invalid()]).toEqual([400, 400]);
    expect([await invalid(), await status(gateway, chat, hello)]).toEqual([429, 429]);
    // Another key has its own count.
    expect(await status(gateway, chat, hello, bearer(secrets.server))).toBe(200);
    await expect.poll(() => gateway.recorded.length).toBe(4);
    expect(gateway.recorded.filter(({ errorCode }) => errorCode !== "")).toHaveLength(2);
    expect(await metric(gateway, "refusals_unrecorded_total")).toBe(4);
    expect(gateway.lines.filter(({ error_code }) => error_code !== undefined)).toHaveLength(6);
  });

  it("by a limit of billing are recorded so often, those by the platform's own fault always", async () => {
    let code: "rate_limit_exceeded" | "service_unavailable" = "rate_limit_exceeded";
    const reserve = each(() => {
      throw new ThroughlineError(code, "No.");
    });
    await using gateway = await startTestGateway({ billing: { reserve } }, { refusalRecordsPerMinute: 2 });
    for (let i = 0; i < 5; i++) expect((await gateway.call(chat, hello)).status).toBe(429);
    code = "service_unavailable";
    for (let i = 0; i < 5; i++) expect((await gateway.call(chat, hello)).status).toBe(503);
    await expect.poll(() => gateway.recorded.length).toBe(7);
    expect(gateway.recorded.map(({ httpStatus }) => httpStatus)).toEqual([429, 429, 503, 503, 503, 503, 503]);
  });
});

describe("counts of a minute", () => {
  it("begin anew when it is over, and take no more room than is given to them", () => {
    let nowMs = 1_000;
    const counts = createMinuteCounts<string>(2, () => nowMs);
    counts.add("a", 1);
    nowMs += 10_000;
    counts.add("a", 1);
    expect(counts.waitMs("a")).toBe(50_000);
    counts.add("a", -1);
    expect(counts.waitMs("a")).toBe(0);
    counts.add("a", 5);
    nowMs += 50_000;
    expect(counts.waitMs("a")).toBe(0);
    counts.add("a", 2);
    for (let i = 0; i < 20_000; i++) counts.add(`b${i}`, 2);
    expect(counts.waitMs("a")).toBe(0);
    expect(counts.waitMs("b19999")).toBe(60_000);
  });

  it("of no limit never wait", () => {
    const counts = createMinuteCounts<bigint>(0);
    counts.add(1n, 1_000);
    expect(counts.waitMs(1n)).toBe(0);
  });
});
