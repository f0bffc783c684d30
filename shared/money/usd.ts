/** Nano-USD in a dollar. */
export const nanoUsdPerUsd = 1_000_000_000n;
/** Parts of a nano-USD in which a single line of a cost is exact. */
const billion = 1_000_000_000n;

/** A sum of lines in dollars, exact, with up to 18 decimals. */
export function formatBillionths(billionths: bigint): string {
  const whole = billionths / billion;
  const rest = (billionths % billion).toString().padStart(9, "0").replace(/0+$/, "");
  if (rest === "") return formatUsd(whole);
  const [dollars = "0", fraction = ""] = formatUsd(whole).split(".");
  return `${dollars}.${fraction.padEnd(9, "0")}${rest}`;
}

/** An amount in dollars, exact, without needless zeros: 1234567890n is "1.23456789", -5n is "-0.000000005". */
export function formatUsd(nanoUsd: bigint): string {
  const absolute = nanoUsd < 0n ? -nanoUsd : nanoUsd;
  const fraction = (absolute % nanoUsdPerUsd).toString().padStart(9, "0").replace(/0+$/, "");
  const sign = nanoUsd < 0n ? "-" : "";
  return `${sign}${absolute / nanoUsdPerUsd}${fraction === "" ? "" : `.${fraction}`}`;
}

const usdForm = /^(-?)(\d+)(?:\.(\d{1,9}))?$/;

/**
 * Nano-USD of an amount in dollars: an optional minus, digits, and at most nine decimals. Throws a RangeError at anything
 * else: an amount is never guessed or rounded.
 */
export function parseUsd(text: string): bigint {
  const match = usdForm.exec(text);
  if (match === null) throw new RangeError(`not an amount in USD with at most nine decimals: ${JSON.stringify(text)}`);
  const [, sign = "", dollars = "", fraction = ""] = match;
  const absolute = BigInt(dollars) * nanoUsdPerUsd + BigInt(fraction.padEnd(9, "0"));
  return sign === "-" ? -absolute : absolute;
}
