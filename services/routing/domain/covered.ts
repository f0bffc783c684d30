import type { Names } from "./names.ts";
import type { Model } from "./types.ts";

/**
 * The pattern of the configuration that a name falls under when it is no model, no alias and no model with a suffix;
 * undefined: none. A longer pattern falls under a shorter one as well.
 */
export function coveringPattern(name: string, models: ReadonlyMap<string, Model>, names: Names): Model | undefined {
  if (models.has(name)) return undefined;
  const found = names.resolve(name);
  if (found === undefined || found.concrete !== name || found.control !== "") return undefined;
  const pattern = models.get(found.model);
  return pattern?.name.endsWith("*") ? pattern : undefined;
}

/** Whether a pattern stands for a name, which may be a pattern too. */
export function covers(pattern: string, name: string): boolean {
  return pattern.endsWith("*") && name.length >= pattern.length && name.startsWith(pattern.slice(0, -1));
}
