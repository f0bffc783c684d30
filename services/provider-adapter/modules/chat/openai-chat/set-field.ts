import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { asObject, parseJson } from "../../../wire/json.ts";
import type { Effort } from "../neutral/reasoning.ts";

/** A patch under construction: a field's JSON text, or `undefined` to take it away. */
export type GrowingPatch = Record<string, string | undefined>;

/** Sets a field of a patch by its path of one or two names, e.g. "reasoning.effort". */
function setField(patch: GrowingPatch, path: string, value: unknown): void {
  const [outer = "", inner] = path.split(".");
  if (inner === undefined) patch[outer] = JSON.stringify(value);
  else patch[outer] = JSON.stringify({ ...asObject(parseJson(patch[outer] ?? "null")), [inner]: value });
}

/** What a vendor must be told for a kind of thinking. */
export function thinkingPatch(
  flavour: OpenaiFlavour,
  wanted: { mode: "on" | "off"; effort?: Effort | undefined; budgetTokens?: number | undefined },
): GrowingPatch {
  if (wanted.mode === "off") {
    const patch: GrowingPatch = { ...flavour.thinkingOff };
    return patch;
  }
  const patch: GrowingPatch = { ...flavour.thinkingOn };
  const { effort, budgetTokens } = wanted;
  if (budgetTokens !== undefined && budgetTokens > 0 && flavour.budgetField !== "") {
    dropSiblings(patch, flavour.budgetField);
    setField(patch, flavour.budgetField, budgetTokens);
  } else if (effort !== undefined && flavour.effortField !== "") {
    dropSiblings(patch, flavour.effortField);
    setField(patch, flavour.effortField, flavour.effortValues[effort] ?? effort);
  }
  return patch;
}

/** An effort or a budget inside an object says by itself that thinking is on; vendors refuse both at once. */
function dropSiblings(patch: GrowingPatch, path: string): void {
  const [outer = "", inner] = path.split(".");
  if (inner !== undefined) delete patch[outer];
}
