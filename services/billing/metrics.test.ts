import { expect, test } from "vitest";
import { testPostgres } from "../../shared/db/testing.ts";
import { createTestTelemetry } from "../../shared/telemetry/testing.ts";
import { startReplica } from "./testing.ts";

test("the counters that alerts watch for their first rise are there from the start", async () => {
  await using postgres = await testPostgres();
  const telemetry = createTestTelemetry({}, "billing");
  await using _billing = await startReplica(postgres.url, {}, { metrics: telemetry.metrics });
  const text = await telemetry.metricsText();
  expect(text).toMatch(/^throughline_sweeper_releases_total(\{[^}]*\})? 0$/m);
  expect(text).toMatch(/^throughline_charged_nano_usd_total\{module="chat"\} 0$/m);
  await telemetry.shutdown();
});
