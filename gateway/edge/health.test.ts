import { describe, expect, it } from "vitest";
import { startTestGateway } from "../testing.ts";

const ask = async (base: string, path: string) => {
  const response = await fetch(base + path);
  return { status: response.status, text: await response.text(), headers: response.headers };
};

describe("a gateway whose metrics have a port of their own", () => {
  it("serves them there, and what is missing, and says in public no more than whether it is ready", async () => {
    await using gateway = await startTestGateway({}, { metricsPort: 0 });
    const own = `http://127.0.0.1:${gateway.metricsPort}`;
    expect(await ask(own, "/metrics")).toMatchObject({ status: 200, text: expect.stringContaining("throughline_") });
    expect(await ask(own, "/readyz")).toMatchObject({ status: 200, text: '{"status":"ready","missing":[],"away":[]}' });
    expect((await ask(own, "/v1/models")).status).toBe(404);
    expect(await ask(gateway.url, "/metrics")).toMatchObject({ status: 404 });
    expect(await ask(gateway.url, "/readyz")).toMatchObject({ status: 200, text: '{"status":"ready"}' });

    gateway.ids.setLease({ node: 5, validFromMs: 0, validUntilMs: 1 });
    const missing = { status: 503, text: '{"status":"not ready","missing":["request ID lease"],"away":[]}' };
    expect(await ask(own, "/readyz")).toMatchObject(missing);
    const told = await ask(gateway.url, "/readyz");
    expect([told.status, JSON.parse(told.text).error.message]).toEqual([503, "Not ready."]);
  });
});

it("probes and scrapes take no request ID and leave no line", async () => {
  await using gateway = await startTestGateway();
  for (const path of ["/healthz", "/readyz", "/metrics"]) {
    const { status, headers } = await ask(gateway.url, path);
    expect([path, status, headers.get("request-id"), headers.get("x-request-id")]).toEqual([path, 200, null, null]);
    expect([headers.get("cache-control"), headers.get("x-content-type-options")]).toEqual(["no-store", "nosniff"]);
  }
  // A request after them has its line: theirs would be there by then.
  expect((await ask(gateway.url, "/v1/models")).status).toBe(401);
  await expect.poll(() => gateway.lines.filter(({ msg }) => msg === "request")).toHaveLength(1);
  expect(gateway.lines).toMatchObject([{ route: "/v1/models" }]);
});
