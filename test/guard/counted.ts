import { expect } from "vitest";
import { type Call, type Counted, isOurs, whereOf } from "./calls.ts";
import { marks } from "./requests.ts";
import type { Seen } from "./seen.ts";

/** What a JSON text is about: something with a mark, or nothing of that. */
type About = keyof typeof marks | "other";

/** Calls of one kind by our own code; of JSON, those about something. */
export function ours({ calls }: Seen, what: Counted, about?: About): Call[] {
  return calls.filter((call) => call.what === what && isOurs(call) && (about === undefined || isAbout(call, about)));
}

function isAbout({ json }: Call, about: About): boolean {
  return about === "other" ? !Object.values(marks).some((mark) => json.includes(mark)) : json.includes(marks[about]);
}

/** Values that our own code gave to metrics: the SDK writes the labels of each as JSON. */
export function metricValues({ calls }: Seen): Call[] {
  return calls.filter(
    (call) => call.what === "JSON.stringify" && whereOf(call).startsWith("shared/telemetry/metrics.ts"),
  );
}

/** Fails, and lets the test go on, where something was done more often than it should be: says how often, and from where. */
export function expectAtMost(what: string, found: readonly Call[], most: number): void {
  if (found.length <= most) return;
  expect.soft(found.length, `${what}, from\n${placesOf(found)}\n`).toBeLessThanOrEqual(most);
}

/** Fails where something was not done exactly so often. */
export function expectExactly(what: string, found: readonly Call[], times: number): void {
  expect(found.length, `${what}, from\n${placesOf(found)}\n`).toBe(times);
}

const stringsOfMessage = 4;
const moreMessages = 100;

/**
 * Fails where the client's body is walked too often: by the searches for the end of a string that more messages cost.
 *
 * @param send sends a body of so many messages, and tells what was seen.
 */
export async function expectBodyWalks(most: number, send: (messages: number) => Promise<Seen>): Promise<void> {
  const few = ours(await send(1), "Buffer.indexOf");
  const many = ours(await send(1 + moreMessages), "Buffer.indexOf");
  const walks = (many.length - few.length) / moreMessages / stringsOfMessage;
  if (walks <= most) return;
  expect(walks, `walks over the body, in searches from\n${placesOf(many)}\n`).toBeLessThanOrEqual(most);
}

function placesOf(calls: readonly Call[]): string {
  return [...Map.groupBy(calls, whereOf)].map(([place, { length }]) => `  ${length} x ${place}`).join("\n");
}
