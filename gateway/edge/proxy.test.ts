import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  type AuthenticateItem,
  type Principal,
  PrincipalSchema,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { each, principals, startTestGateway } from "../testing.ts";

test("behind a proxy the caller's address is the one that the proxy adds, not one that the client made up", async () => {
  const bound = create(PrincipalSchema, { ...principals.api, allowedCidrs: ["10.0.0.0/8"] });
  await using gateway = await startTestGateway(
    { billing: { authenticate: each<AuthenticateItem, Principal>(() => bound) } },
    { trustProxy: true },
  );
  const statusFor = async (forwarded: string) => {
    const body = { model: "m", messages: [{ role: "user", content: "Hello" }] };
    const response = await gateway.call("/v1/chat/completions", body, { headers: { "x-forwarded-for": forwarded } });
    await response.text();
    return response.status;
  };
  expect(await statusFor("10.1.2.3")).toBe(200);
  expect(await statusFor("203.0.113.9")).toBe(403);
  // The client sent the first, its proxy added the second.
  expect(await statusFor("10.1.2.3, 203.0.113.9")).toBe(403);
  // Azure's gateways add the port.
  for (const within of ["10.1.2.3:4711", "[10.1.2.3]:4711", "[::ffff:10.1.2.3]:443", "::ffff:10.1.2.3"]) {
    expect([within, await statusFor(within)]).toEqual([within, 200]);
  }
  // A text that is no address lies in no range.
  const without = [
    "203.0.113.9:4711",
    "[2001:db8::1]:443",
    "[2001:db8::1]",
    "2001:db8::1",
    "unknown",
    "_hidden",
    "10.1.2.3:x",
  ];
  for (const text of [...without, "10.1.2.3:4711, 203.0.113.9:80", "10.1.2.999", "[]", "a".repeat(9_000)]) {
    expect([text, await statusFor(text)]).toEqual([text, 403]);
  }
});

test("a stranger behind a proxy is one stranger, whatever the port of its connections", async () => {
  await using gateway = await startTestGateway({}, { trustProxy: true, unknownKeysPerMinute: 3 });
  const statusFor = async (forwarded: string) => {
    const headers = { authorization: "Bearer tl-nobody", "x-forwarded-for": forwarded };
    return (await fetch(`${gateway.url}/v1/models`, { headers })).status;
  };
  const statuses: number[] = [];
  for (const port of [1, 2, 3, 4]) statuses.push(await statusFor(`203.0.113.9:${port}`));
  expect(statuses).toEqual([401, 401, 401, 429]);
  expect(await statusFor("203.0.113.10:1")).toBe(401);
});
