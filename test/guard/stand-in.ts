/** One call of a function that is watched. */
export interface WatchedCall {
  readonly given: readonly unknown[];
  readonly result: unknown;
  readonly self: unknown;
}

/** Puts something that tells of every call in a function's place; gives what puts the function back. */
export function standIn(owner: object, name: string, tell: (call: WatchedCall) => void): () => void {
  // Read before its descriptor: Node makes some globals when they are first read.
  const run: unknown = Reflect.get(owner, name);
  const real = Reflect.getOwnPropertyDescriptor(owner, name);
  if (real === undefined || typeof run !== "function") throw new Error(`there is no function ${name} to stand in for`);
  const value = new Proxy(run, {
    apply(_, self, given: unknown[]) {
      const result: unknown = Reflect.apply(run, self, given);
      tell({ given, result, self });
      return result;
    },
    construct(_, given: unknown[], target) {
      const result: object = Reflect.construct(run, given, target);
      tell({ given, result, self: undefined });
      return result;
    },
  });
  Reflect.defineProperty(owner, name, { ...real, value });
  return () => void Reflect.defineProperty(owner, name, real);
}
