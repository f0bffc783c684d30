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
});
