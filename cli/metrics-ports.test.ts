import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { freePort } from "../shared/free-ports.ts";
import { metricsPorts } from "./metrics-ports.ts";

test("each process has a port that is free and nobody else's", async () => {
  const first = await freePort();
  const other = createServer().listen(first + 2);
  await once(other, "listening");
  onTestFinished(() => void other.close());
  const ports = await metricsPorts(first, 3, [first + 1]);
  expect([ports[0], ports.length, new Set(ports).size]).toEqual([first, 3, 3]);
  expect(ports.filter((port) => port === first + 1 || port === first + 2)).toEqual([]);
  const taken = (other.address() as AddressInfo).port;
  await expect(metricsPorts(taken, 1, [])).rejects.toThrow(/METRICS_PORT \d+ is in use/);
  await expect(metricsPorts(first, 1, [first])).rejects.toThrow(/is in use/);
  await expect(metricsPorts(65_534, 6, [])).rejects.toThrow(/METRICS_PORT/);
});
