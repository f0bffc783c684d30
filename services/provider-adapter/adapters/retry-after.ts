/** Longest rest that an upstream may ask for. */
const maxMs = 60_000;

/** Milliseconds of retry-after-ms, x-ms-retry-after-ms or Retry-After, at most a minute; 0: not said. */
export function retryAfterMs(headers: Readonly<Record<string, string | string[] | undefined>>): number {
  const one = (name: string) => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const ms = Number(one("retry-after-ms") ?? one("x-ms-retry-after-ms"));
  if (ms > 0) return Math.min(maxMs, Math.ceil(ms));
  const text = one("retry-after") ?? "";
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1_000;
  return seconds > 0 ? Math.min(maxMs, Math.ceil(seconds * 1_000)) : 0;
}
