import { createServer } from "node:net";
import { ConfigError } from "../shared/config.ts";

/**
 * A port for the metrics of each of several processes: the first one asked for, and those above it that are free and nobody
 * else's. Throws ConfigError where the first is taken, or none is left.
 *
 * @param others ports that are somebody's already, though nobody listens there yet.
 */
export async function metricsPorts(first: number, count: number, others: readonly number[]): Promise<number[]> {
  const found: number[] = [];
  for (let port = first; found.length < count; port += 1) {
    if (port > 65_535) throw new ConfigError("METRICS_PORT", `METRICS_PORT must leave ${count} ports up to 65535`);
    const isFree = !others.includes(port) && (await canListen(port));
    if (!isFree && port === first)
      throw new ConfigError("METRICS_PORT", `METRICS_PORT ${first} is in use; choose another`);
    if (isFree) found.push(port);
  }
  return found;
}

function canListen(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}
