/**
 * The most each of several sizes may have so that they fit a budget together: the large ones are held down to one common
 * size, the small ones keep theirs. Infinity when all fit as they are.
 */
export function fairShare(sizes: readonly number[], budget: number): number {
  const ascending = [...sizes].sort((a, b) => a - b);
  let left = budget;
  for (const [index, size] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - index));
    if (size > share) return share;
    left -= size;
  }
  return Number.POSITIVE_INFINITY;
}
