import type { Asked } from "../../../domain/exchange.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { parseJson } from "../../../wire/json.ts";
import type { Note } from "../neutral/formats.ts";
import type { GrowingPatch } from "./set-field.ts";
import { standardTier } from "./standard-tier.ts";

/**
 * What a vendor's quirks change in a chat body: fields dropped, renamed, respelled and added. `given` tells the text of a
 * field as it would be sent; absent: undefined.
 */
export function vendorPatch(
  flavour: OpenaiFlavour,
  { stream, prices }: Pick<Asked, "stream" | "prices">,
  given: (field: string) => string | undefined,
  note: Note,
): GrowingPatch {
  const patch: GrowingPatch = {};
  for (const field of flavour.dropFields) {
    const value = given(field);
    if (value === undefined) continue;
    patch[field] = undefined;
    if (value !== "null") note(`${field} dropped: the vendor does not take it`);
  }
  for (const [from, to] of Object.entries(flavour.renameFields)) {
    const value = given(from);
    if (value === undefined) continue;
    patch[from] = undefined;
    if (value !== "null") patch[to] = value;
  }
  for (const [field, values] of Object.entries(flavour.renameValues)) {
    const value = parseJson(given(field) ?? "null");
    const other = typeof value === "string" ? values[value] : undefined;
    if (other !== undefined) patch[field] = JSON.stringify(other);
  }
  // A field that was dropped stays dropped.
  const left = (field: string) => (Object.hasOwn(patch, field) ? patch[field] : given(field));
  Object.assign(patch, standardTier(flavour, prices, left("service_tier"), note));
  if (!stream) Object.assign(patch, flavour.addWhenWhole);
  return patch;
}
