/**
 * Remembers what was made of objects that nobody can change, for as long as they live. What is not frozen is made anew each
 * time: to remember it would cost more than to make it. A message that came over the wire is frozen where its kind is one that comes
 * again and again (shared/codec/known.ts).
 */
export function memoFrozen<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, V>();
  return (key) => {
    if (!Object.isFrozen(key)) return make(key);
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = make(key);
    known.set(key, made);
    return made;
  };
}
