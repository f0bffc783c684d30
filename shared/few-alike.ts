interface Entry<K, V> {
  readonly key: K;
  readonly made: V;
  /** Count of questions up to the last one for this key. */
  asked: number;
}

/**
 * Remembers what was made of keys of which few differ, by comparing them: that takes neither a text nor a hash of a key, and
 * what was made stays the same object or text, of which the engine knows the hash.
 *
 * @param most how many keys are remembered, 1 or more. A further one takes the place of the key that was asked for longest ago.
 */
export function fewAlike<K extends object, V>(
  most: number,
  areAlike: (one: K, other: K) => boolean,
  make: (key: K) => V,
): (key: K) => V {
  const known: Entry<K, V>[] = [];
  let asked = 0;
  return (key) => {
    asked += 1;
    for (let index = 0; index < known.length; index += 1) {
      const entry = known[index];
      if (entry !== undefined && areAlike(entry.key, key)) {
        entry.asked = asked;
        return entry.made;
      }
    }
    const made = make(key);
    known[known.length < most ? known.length : placeOfOldest(known)] = { key, made, asked };
    return made;
  };
}

function placeOfOldest(known: readonly Entry<unknown, unknown>[]): number {
  return known.reduce((oldest, { asked }, index) => (asked < (known[oldest]?.asked ?? 0) ? index : oldest), 0);
}
