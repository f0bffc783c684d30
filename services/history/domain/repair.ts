/** Longest texts, in UTF-16 units. What a client may choose freely is bounded; what is longer is cut and marked. */
export const maxLength = {
  /** Names of models, channels and the like. */
  name: 200,
  /** An end user. Part of an index, whose entries PostgreSQL limits to 2.7 kB. */
  user: 256,
  /** An error message. */
  message: 2_000,
} as const;

/** Most of a unit that the contract allows. So the sums of one row stay far below 2^63. */
const maxAmount = 1_000_000_000_000_000n;
const maxInt8 = (1n << 63n) - 1n;
const maxInt2 = 0x7fff;

/** Notes whether anything had to be changed on the way. */
export interface Repairs {
  repaired: boolean;
}

/**
 * Text as PostgreSQL takes it: no U+0000, no lone surrogates (both become U+FFFD), at most `max` units. Changes are
 * noted.
 */
export function repairText(text: string, max: number, repairs: Repairs): string {
  if (text.length <= max && !text.includes("\0") && text.isWellFormed()) return text;
  repairs.repaired = true;
  return text.slice(0, max).toWellFormed().replaceAll("\0", "\ufffd");
}

/** A user ID as it is stored: owners look theirs up by it, so reading and writing must agree. */
export function storedUserId(userId: string, repairs: Repairs = { repaired: false }): string {
  return repairText(userId, maxLength.user, repairs);
}

/** A name (of a model, a channel ...) as it is stored: filters look for it, so reading and writing must agree. */
export function storedName(text: string, repairs: Repairs = { repaired: false }): string {
  return repairText(text, maxLength.name, repairs);
}

/** An unsigned 64-bit number as a BIGINT; null for 0, which is how most columns say it. */
export function repairCount(value: bigint, repairs: Repairs): bigint | null {
  if (value === 0n) return null;
  if (value <= maxInt8) return value;
  repairs.repaired = true;
  return maxInt8;
}

/** An amount of a unit: what is more than the contract allows is as much as it allows. */
export function repairAmount(amount: bigint, repairs: Repairs): bigint {
  if (amount <= maxAmount) return amount;
  repairs.repaired = true;
  return maxAmount;
}

/** A small number (an enum, an HTTP status) as a SMALLINT. */
export function repairSmall(value: number, repairs: Repairs): number {
  if (Number.isInteger(value) && value >= 0 && value <= maxInt2) return value;
  repairs.repaired = true;
  return 0;
}
