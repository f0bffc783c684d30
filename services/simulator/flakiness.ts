import type { Behaviour } from "./behaviour.ts";

/** Spreads failures evenly: of the first k requests at p percent, floor(k * p / 100) fail. */
export function createFlakiness(): (behaviour: Behaviour) => boolean {
  const counts = new Map<number, number>();
  return ({ flakyPercent }) => {
    if (flakyPercent === 0) return false;
    const count = (counts.get(flakyPercent) ?? 0) + 1;
    counts.set(flakyPercent, count);
    return Math.floor((count * flakyPercent) / 100) > Math.floor(((count - 1) * flakyPercent) / 100);
  };
}
