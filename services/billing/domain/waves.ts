/**
 * Splits items into waves, in which no item shares a key with another: the first wave holds the first of each, and so
 * on. Nearly always there is one wave; a duplicate waits for the one before it and sees what came of that.
 */
export function waves<T>(items: readonly T[], keysOf: (item: T) => readonly string[]): T[][] {
  const split: T[][] = [];
  const seen = new Map<string, number>();
  for (const item of items) {
    const keys = keysOf(item);
    let wave = 0;
    for (const key of keys) wave = Math.max(wave, seen.get(key) ?? 0);
    for (const key of keys) seen.set(key, wave + 1);
    const members = split[wave];
    if (members === undefined) split.push([item]);
    else members.push(item);
  }
  return split;
}
