/** The open calls of a lane by their numbers. */
export interface CallTable<C> {
  get(callId: number): C | undefined;
  set(callId: number, call: C): void;
  /** Gives whether it was there. */
  delete(callId: number): boolean;
  /** In no order. */
  values(): C[];
  clear(): void;
  readonly size: number;
}

/** Creates one. An object, not a Map, which would keep ended calls and all they lead to alive: see `shared/roster.ts`. */
export function createCallTable<C>(): CallTable<C> {
  let calls: Record<number, C> = Object.create(null);
  let size = 0;
  return {
    get: (callId) => calls[callId],
    set(callId, call) {
      if (!(callId in calls)) size += 1;
      calls[callId] = call;
    },
    delete(callId) {
      if (!(callId in calls)) return false;
      delete calls[callId];
      size -= 1;
      return true;
    },
    values: () => Object.values(calls),
    clear() {
      calls = Object.create(null);
      size = 0;
    },
    get size() {
      return size;
    },
  };
}
