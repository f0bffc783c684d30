import type { Asked } from "../../domain/exchange.ts";
import { parseJson } from "../../wire/json.ts";
import type { Note } from "./neutral/formats.ts";
import { type NeutralRequest, pathOf } from "./neutral/request.ts";

/** A request that asks for no more output than its model gives. */
export function withinCeiling(request: NeutralRequest, { outputCeiling = 0 }: Asked, note: Note): NeutralRequest {
  const { maxTokens } = request;
  if (outputCeiling === 0 || maxTokens === undefined || maxTokens <= outputCeiling) return request;
  note(lowered(pathOf(request, "maxTokens"), outputCeiling));
  return { ...request, maxTokens: outputCeiling };
}

/**
 * What changes in a body that asks for more output than its model gives.
 *
 * @param fields names under which the format has a bound on output.
 * @param given JSON text of a field as it would be sent; undefined: it is not there.
 */
export function ceilingPatch(
  { outputCeiling = 0 }: Asked,
  fields: readonly string[],
  given: (field: string) => string | undefined,
  note: Note,
): Readonly<Record<string, string>> {
  const patch: Record<string, string> = {};
  if (outputCeiling === 0) return patch;
  for (const field of fields) {
    const value = parseJson(given(field) ?? "null");
    if (typeof value !== "number" || value <= outputCeiling) continue;
    patch[field] = String(outputCeiling);
    note(lowered(field, outputCeiling));
  }
  return patch;
}

function lowered(field: string, ceiling: number): string {
  return `${field} lowered to ${ceiling}: the model gives no more`;
}
