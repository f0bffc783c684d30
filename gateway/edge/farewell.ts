import { setTimeout as sleep } from "node:timers/promises";

/** Clients seldom leave a connection unused for longer than this and then use it. */
const longestMs = 30_000;
const lookEveryMs = 10;

/**
 * How long a gateway that stops lets clients use the connections that they keep, milliseconds. A connection that is closed
 * while a client sends its next request over it is a failure that the client may not repeat.
 */
export function farewellMs(shutdownGraceMs: number): number {
  return Math.min(longestMs, shutdownGraceMs / 20);
}

/** Resolves when no connection is open, or after that time. Each answer of that time ends its connection. */
export async function clientsLeave(openConnections: () => number, withinMs: number): Promise<void> {
  const untilMs = performance.now() + withinMs;
  while (openConnections() > 0 && performance.now() < untilMs) await sleep(lookEveryMs);
}
