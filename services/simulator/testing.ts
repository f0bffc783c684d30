import { request } from "undici";
import { objectOf } from "./json.ts";
import type { Simulator } from "./simulator.ts";

/** A plain answer, as the tests of the wire formats read it. */
export interface PlainAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: ReturnType<typeof objectOf>;
}

/** Sends a JSON body and reads the whole answer. */
export async function post(simulator: Simulator, path: string, body: unknown, headers = {}): Promise<PlainAnswer> {
  const answer = await request(`${simulator.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await answer.body.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: answer.statusCode, headers: answer.headers, text, json: objectOf(json) };
}

/** The data of every event of a stream, in order. */
export function eventsOf(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => line.slice(6));
}
