const nanosPerUsd = 1_000_000_000n;
const idKey = Symbol.for("throughline.request-id");

/** An amount of money as text, e.g. "0.000125", in nano-dollars: exact, and safe to add. Throws on a text that is none. */
export function nanoUsd(amount: string): bigint {
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(amount) ?? [];
  if (whole === "") throw new RangeError(`"${amount}" is no amount in US dollars`);
  const nanos = BigInt(whole) * nanosPerUsd + BigInt(fraction.padEnd(9, "0"));
  return sign === "-" ? -nanos : nanos;
}

/** Nano-dollars as the amount that inputs take and outputs have, e.g. "12.5". */
export function usd(nanos: bigint): string {
  const size = nanos < 0n ? -nanos : nanos;
  const fraction = (size % nanosPerUsd).toString().padStart(9, "0").replace(/0+$/, "");
  return `${nanos < 0n ? "-" : ""}${size / nanosPerUsd}${fraction === "" ? "" : `.${fraction}`}`;
}

/** Notes which request an answer is that of, where nobody sees it but `requestIdOf`. */
export function noteRequestId(answer: unknown, requestId: string): void {
  if (typeof answer !== "object" || answer === null || requestId === "" || !Object.isExtensible(answer)) return;
  Object.defineProperty(answer, idKey, { value: requestId, configurable: true });
}

/**
 * The platform's request ID of an answer of any call, as it was given: a copy does not know it. Calls that travelled in one batch
 * have one, but for those that cost money. Undefined: the value is no answer of this client.
 */
export function requestIdOf(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null) return undefined;
  const receipt: unknown = Reflect.get(answer, "throughline");
  const own: unknown = typeof receipt === "object" && receipt !== null ? Reflect.get(receipt, "request_id") : undefined;
  if (typeof own === "string") return own;
  const noted: unknown = Reflect.get(answer, idKey);
  return typeof noted === "string" ? noted : undefined;
}
