/** Days (UTC, "2026-12-01") from which on a vendor serves its models no more, by name or by pattern. */
export type Ends = Readonly<Record<string, string>>;

/** The day from which on a model is served no more; the longest pattern counts. Empty: none is known. */
export function endOf(ends: Ends, name: string): string {
  const exact = Object.hasOwn(ends, name) ? ends[name] : undefined;
  if (exact !== undefined) return exact;
  let best = "";
  for (const pattern of Object.keys(ends)) {
    const fits = pattern.endsWith("*") && name.startsWith(pattern.slice(0, -1));
    if (fits && pattern.length > best.length) best = pattern;
  }
  return ends[best] ?? "";
}

/** The day of a moment (Unix milliseconds) in UTC, as "2026-12-01". */
export function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
