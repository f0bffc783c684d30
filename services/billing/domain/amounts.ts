/**
 * Largest amount of money in one movement, balance or floor: 10^18 nano-USD, a billion dollars. Sums of a few of them
 * stay within 64 bits, so no arithmetic of the database can overflow.
 */
export const maxNanoUsd = 1_000_000_000_000_000_000n;

/** Largest charge of one request: 10^16 nano-USD, ten million dollars. */
export const maxChargeNanoUsd = 10_000_000_000_000_000n;

/** Largest count (tokens, milliseconds, characters ...) of one part of a usage: 10^15. */
export const maxUsagePart = 1_000_000_000_000_000n;

/** Largest ID: they are signed 64-bit numbers in the database. */
export const maxId = (1n << 63n) - 1n;

/** Largest generation of a key's secret: signed 32-bit numbers in the database. */
export const maxGeneration = 2 ** 31 - 1;

/** Whether this is an amount that may be moved. */
export function isAmount(nanoUsd: bigint): boolean {
  return nanoUsd <= maxNanoUsd && nanoUsd >= -maxNanoUsd;
}
