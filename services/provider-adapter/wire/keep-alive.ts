import type { UpstreamEvent } from "../domain/exchange.ts";

/** Names of events that only keep a connection alive. */
const signsOfLife: ReadonlySet<string> = new Set(["ping", "keepalive", "keep-alive", "heartbeat"]);

/** Whether an event brings nothing but the news that the upstream still lives, as a comment does. */
export function isKeepAlive({ event, data }: UpstreamEvent): boolean {
  return data === "" || (event !== undefined && signsOfLife.has(event));
}
