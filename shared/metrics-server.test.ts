import { expect, onTestFinished, test } from "vitest";
import { ConfigError } from "./config.ts";
import { serveMetrics } from "./metrics-server.ts";

test("a process that starts is alive and not ready, until it tells how it stands", async () => {
  const server = await serveMetrics(0, {
    metricsFor: async () => ({ type: "text/plain", text: "a_metric 1\n" }),
  });
  onTestFinished(() => server.stop());
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return [response.status, await response.text()];
  };
  const alive = [200, '{"status":"ok"}'];
  expect(await ask("/healthz")).toEqual(alive);
  expect(await ask("/readyz")).toEqual([503, '{"status":"not ready","missing":["start"],"away":[]}']);
  expect(await ask("/metrics")).toEqual([200, "a_metric 1\n"]);
  server.tell(async () => ({ missing: [], away: ["history"] }));
  expect(await ask("/readyz?verbose")).toEqual([200, '{"status":"ready","missing":[],"away":["history"]}']);
  server.tell(async () => ({ missing: ["stopping"], away: [] }));
  expect(await ask("/readyz")).toEqual([503, '{"status":"not ready","missing":["stopping"],"away":[]}']);
  server.tell(() => Promise.reject(new Error("cannot tell")));
  expect(await ask("/readyz")).toEqual([500, "cannot be read\n"]);
  expect(await ask("/healthz")).toEqual(alive);
  for (const path of ["/", "/constructor", "/v1/models"]) expect((await ask(path))[0]).toBe(404);
});

test("a port that is taken is told by the variable that says another", async () => {
  const options = { metricsFor: async () => ({ type: "text/plain", text: "" }) };
  const server = await serveMetrics(0, options);
  onTestFinished(() => server.stop());
  await expect(serveMetrics(server.port, options)).rejects.toThrow(
    new ConfigError("METRICS_PORT", `port ${server.port} is in use by another program; METRICS_PORT says another`),
  );
});
