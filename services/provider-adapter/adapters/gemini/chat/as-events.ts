import type { UpstreamEvent } from "../../../domain/exchange.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject } from "../../../wire/json.ts";
import { errorOf } from "../errors.ts";

/**
 * A whole answer as the events of a stream: it is a chunk itself, and without `alt=sse` the vendor sends its chunks as a
 * list. Undefined: it is no answer.
 */
export function geminiEvents(body: Buffer): readonly UpstreamEvent[] | undefined {
  const parsed = parseExact(body.toString());
  if (errorOf(parsed) !== undefined) return undefined;
  const chunks = Array.isArray(parsed) ? asArray(parsed) : [parsed];
  const isAnswer = chunks.length > 0 && chunks.every((chunk) => asObject(chunk) !== undefined);
  return isAnswer ? chunks.map((chunk) => ({ data: JSON.stringify(chunk) })) : undefined;
}
