import { Session } from "node:inspector/promises";

/**
 * Counts the steps of a piece of work: how often each block of code ran, as V8 counts it (precise coverage), and how much
 * the built-in functions went over, which have no blocks: the entries of lists, the characters of texts. A count does not
 * depend on the machine, so it can be compared where a time cannot.
 */
export interface StepCounter {
  /** Steps of the work. What it throws counts as done. */
  count(work: () => void): Promise<number>;
  close(): Promise<void>;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** What a call of a built-in function goes over, by its receiver, its arguments and its result. */
type Cost = (self: unknown, args: readonly unknown[], result: unknown) => number;

function lengthOf(value: unknown): number {
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  return ArrayBuffer.isView(value) ? value.byteLength : 0;
}

const own: Cost = (self) => lengthOf(self);
/** A search ends where it finds. */
const searched: Cost = (self, [, from], result) => {
  const start = typeof from === "number" ? from : 0;
  const end = typeof result === "number" && result >= 0 ? result : lengthOf(self);
  return Math.max(1, end - start);
};
const found: Cost = (self, [wanted], result) =>
  result === true && Array.isArray(self) ? self.indexOf(wanted) + 1 : lengthOf(self);
const made: Cost = (_self, _args, result) => lengthOf(result);
const given: Cost = (_self, [first]) => lengthOf(first);
const keys: Cost = (_self, args) =>
  args.reduce<number>(
    (sum, arg) => sum + (typeof arg === "object" && arg !== null ? Reflect.ownKeys(arg).length : 0),
    0,
  );
/** What is taken over is gone over, and not where it goes. */
const taken: Cost = (self, [, ...sources], result) => keys(self, sources, result);
const spread: Cost = (_self, args) => args.length;

/** Built-in functions that go over what they are given without calling back. */
const builtIns: readonly (readonly [object, Readonly<Record<string, Cost>>])[] = [
  [
    Array.prototype,
    {
      ...{ includes: found, indexOf: searched, lastIndexOf: own, join: own, reverse: own, toReversed: own },
      ...{ slice: made, concat: made, shift: own, unshift: own, splice: own, push: spread, fill: own },
    },
  ],
  [
    String.prototype,
    {
      ...{ indexOf: searched, includes: own, split: own, replaceAll: own, replace: own, toWellFormed: own },
      ...{ trim: own, trimEnd: own, toLowerCase: own, search: own },
    },
  ],
  [RegExp.prototype, { exec: given }],
  [Object, { keys, entries: keys, values: keys, assign: taken }],
  [JSON, { parse: given, stringify: made }],
  [Buffer.prototype, { toString: made, indexOf: searched, includes: own }],
  [Buffer, { from: made, concat: made }],
];

/** Makers of iterators, of which each step counts: spreading a list or a map goes this way too once they are replaced. */
const iterables: readonly (readonly [object, PropertyKey])[] = [
  [Array.prototype, Symbol.iterator],
  [Array.prototype, "entries"],
  [Map.prototype, Symbol.iterator],
  [Map.prototype, "values"],
  [Map.prototype, "entries"],
  [Set.prototype, Symbol.iterator],
];

/** Counts what built-in functions do while `work` runs. */
function countBuiltIns(work: () => void): number {
  let steps = 0;
  let inside = false;
  const restore: (() => void)[] = [];
  const replace = (owner: object, name: PropertyKey, made: (original: Method) => Method) => {
    const before = Object.getOwnPropertyDescriptor(owner, name);
    if (before === undefined || typeof before.value !== "function") return;
    Object.defineProperty(owner, name, { ...before, value: made(before.value as Method) });
    restore.push(() => void Object.defineProperty(owner, name, before));
  };
  for (const [owner, costs] of builtIns) {
    for (const name in costs) {
      const cost = costs[name];
      replace(owner, name, (original) => {
        return function counted(this: unknown, ...args: unknown[]): unknown {
          const result = Reflect.apply(original, this, args);
          // The built-in functions that this counter itself calls are no work.
          if (inside || cost === undefined) return result;
          inside = true;
          steps += cost(this, args, result);
          inside = false;
          return result;
        };
      });
    }
  }
  for (const [owner, name] of iterables) {
    replace(owner, name, (original) => {
      return function counted(this: unknown): unknown {
        const iterator = Reflect.apply(original, this, []) as Iterator<unknown>;
        const next = () => {
          steps++;
          return iterator.next();
        };
        return { next, return: () => ({ done: true, value: undefined }), [Symbol.iterator]: () => ({ next }) };
      };
    });
  }
  try {
    work();
  } catch {
    // A refusal is an end like any other.
  } finally {
    for (const undo of restore.reverse()) undo();
  }
  return steps;
}

/** Begins to count. What is measured must be loaded after this: only then has its code counters of its own. */
export async function createStepCounter(): Promise<StepCounter> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

  async function blocks(): Promise<number> {
    const { result } = await session.post("Profiler.takePreciseCoverage");
    let sum = 0;
    for (const { url, functions } of result) {
      if (url.startsWith("node:") || url.includes("/test/guard/steps")) continue;
      for (const { ranges } of functions) for (const { count } of ranges) sum += count;
    }
    return sum;
  }

  return {
    async count(work) {
      // The count before began where the last one was taken; what stood between is the few steps of a test.
      const native = countBuiltIns(work);
      return native + (await blocks());
    },
    async close() {
      await session.post("Profiler.stopPreciseCoverage");
      session.disconnect();
    },
  };
}
