import { badVectors } from "./vector.ts";

/**
 * Items in the order of their `index`; without any, as they come. Throws upstream_error where the numbers are not each of
 * 0, 1, 2 ... once: whose vector is whose would be a guess.
 */
export function byIndex<T extends { readonly index?: unknown }>(items: readonly T[]): readonly T[] {
  if (items.every(({ index }) => index === undefined || index === null)) return items;
  const places = new Map(items.map((item) => [item.index, item]));
  const ordered = items.map((_, place) => places.get(place));
  if (ordered.includes(undefined)) throw badVectors("their numbers are not those of the inputs");
  return ordered.filter((item) => item !== undefined);
}
