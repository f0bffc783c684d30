import type { Cost } from "../view/cost.ts";

/** Names of the header, or trailer, fields that tell a cost. */
export const costFields = [
  "x-throughline-billed-usd",
  "x-throughline-billing-reason",
  "x-throughline-list-price-usd",
] as const;

/** Where a client asks to be told. */
export const costHeader = "x-throughline-cost";

/** Whether a client asks to be told what its request costs. */
export function asksForCost(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  const said = headers[costHeader];
  return typeof said === "string" && said.trim().toLowerCase() === "true";
}

/** A cost as header or trailer fields. */
export function costFieldsOf({ billed_usd, billing_reason, list_price_usd }: Cost): Readonly<Record<string, string>> {
  const [billed, reason, list] = costFields;
  return {
    [billed]: billed_usd,
    [reason]: billing_reason,
    ...(list_price_usd === null ? {} : { [list]: list_price_usd }),
  };
}

/**
 * Puts a cost into the last bytes of a stream, in the client's dialect. SDKs give it to their callers or pass over it; none
 * stumbles.
 *
 * @param last what is given now; of no bytes where everything was.
 * @param before what was given before that; undefined: nothing.
 */
export type InBandCost = (cost: Cost, requestId: string, last: Uint8Array, before: Uint8Array | undefined) => Buffer;

/** Streams whose events have names or types: one more, as the last. */
export const namedInBandCost: InBandCost = (cost, request_id, last) =>
  Buffer.concat([last, event({ type: "throughline.cost", request_id, ...cost }, "event: throughline.cost\n")]);

/** Google's streams: a chunk without candidates. */
export const googleInBandCost: InBandCost = (cost, request_id, last) =>
  Buffer.concat([last, event({ throughline: { request_id, ...cost } })]);

/**
 * OpenAI's chat and completions: a chunk without choices, as the one with the usage is, with the same ID and model. No client reads
 * behind `[DONE]`, so it goes before that.
 */
export const chunkInBandCost: InBandCost = (cost, request_id, last, before) => {
  const data = bytesOf(last);
  const done = data.lastIndexOf("data: [DONE]");
  const at = done < 0 ? data.length : done;
  const lines = [...linesOf(before), ...linesOf(last)];
  const { id, object, created, model } = lines.findLast((line) => line !== undefined) ?? {};
  const chunk = { id, object, created, model, choices: [], throughline: { request_id, ...cost } };
  return Buffer.concat([data.subarray(0, at), event(chunk), data.subarray(at)]);
};

/** OpenAI's responses: openai 7.55 throws at an event that it does not know, so the response itself has it, in the last event. */
export const responseInBandCost: InBandCost = (cost, request_id, last) => {
  const lines = bytesOf(last).toString().split("\n");
  const at = lines.findLastIndex((line) => jsonOf(line)?.response !== undefined);
  const said = jsonOf(lines[at] ?? "");
  if (said === undefined) return bytesOf(last);
  const response = { ...Object(said.response), throughline: { request_id, ...cost } };
  lines[at] = `${dataStart}${JSON.stringify({ ...said, response })}`;
  return Buffer.from(lines.join("\n"));
};

const dataStart = "data: ";

function event(data: object, name = ""): Buffer {
  return Buffer.from(`${name}${dataStart}${JSON.stringify(data)}\n\n`);
}

function bytesOf(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.length);
}

function linesOf(frame: Uint8Array | undefined): (Record<string, unknown> | undefined)[] {
  return frame === undefined ? [] : bytesOf(frame).toString().split("\n").map(jsonOf);
}

/** The object that a line of a stream holds; undefined: none, or a piece of one. */
function jsonOf(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith(`${dataStart}{`)) return undefined;
  try {
    return JSON.parse(line.slice(dataStart.length)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
