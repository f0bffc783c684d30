/** Yes-or-no facts of a record, as bits of one column. Bit 4 is known to SQL too (`put_records`). */
export const flag = {
  stream: 1,
  fromAppserver: 2,
  reconstructed: 4,
  estimated: 8,
  truncated: 16,
  repaired: 32,
} as const;

/** The bits of the facts that are true. */
export function toFlags(facts: Readonly<Record<keyof typeof flag, boolean>>): number {
  let bits = 0;
  if (facts.stream) bits |= flag.stream;
  if (facts.fromAppserver) bits |= flag.fromAppserver;
  if (facts.reconstructed) bits |= flag.reconstructed;
  if (facts.estimated) bits |= flag.estimated;
  if (facts.truncated) bits |= flag.truncated;
  if (facts.repaired) bits |= flag.repaired;
  return bits;
}

/** Whether a fact is true. */
export function hasFlag(bits: number, name: keyof typeof flag): boolean {
  return (bits & flag[name]) !== 0;
}
