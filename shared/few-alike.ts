/**
 * Remembers what was made of keys of which few differ, by comparing them: that takes neither a text nor a hash of a key, and
 * what was made stays the same object or text, of which the engine knows the hash. Of keys beyond `most` it is made anew.
 */
export function fewAlike<K extends object, V>(
  most: number,
  areAlike: (one: K, other: K) => boolean,
  make: (key: K) => V,
): (key: K) => V {
  const known: { readonly key: K; readonly made: V }[] = [];
  return (key) => {
    for (let index = 0; index < known.length; index += 1) {
      const entry = known[index];
      if (entry !== undefined && areAlike(entry.key, key)) return entry.made;
    }
    const made = make(key);
    if (known.length < most) known.push({ key, made });
    return made;
  };
}
