/**
 * Freezes a value and all that it holds, so that many can share it. Bytes stay as they are: they cannot be frozen. Gives the
 * value with its own type: nobody is meant to write, and the contract's types cannot say so.
 */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}

/** Whether nothing of a value can change. */
export function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return !ArrayBuffer.isView(value) && Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}
