/** Longest rest that an upstream may ask for. */
const maxMs = 60_000;

/** Fields of a head in small letters. */
type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Milliseconds of retry-after-ms, x-ms-retry-after-ms, Retry-After, or until a limit begins anew; at most a minute; 0: not said. */
export function retryAfterMs(headers: Headers): number {
  const ms = Number(one(headers, "retry-after-ms") ?? one(headers, "x-ms-retry-after-ms"));
  if (ms > 0) return Math.min(maxMs, Math.ceil(ms));
  const text = one(headers, "retry-after") ?? "";
  const said = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  const restMs = said > 0 ? said : resetMs(headers);
  return Math.min(maxMs, Math.ceil(restMs));
}

function one(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Milliseconds until the last of the limits that are used up begins anew (`x-ratelimit-reset-tokens` beside `x-ratelimit-remaining-tokens: 0`). */
function resetMs(headers: Headers): number {
  let longest = 0;
  for (const name of Object.keys(headers)) {
    if (!name.includes("ratelimit") || !name.includes("reset")) continue;
    const left = one(headers, name.replace("reset", "remaining"));
    if (left !== undefined && left.trim() !== "" && Number(left) === 0) {
      longest = Math.max(longest, untilMs(one(headers, name) ?? ""));
    }
  }
  return longest;
}

/** Numbers from here on are a time by the clock, in seconds; from the second one on in milliseconds. */
const clockSeconds = 1e9;
const clockMs = 1e12;
const duration = /^(?=\d)(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;

/** Milliseconds until a reset in any of the vendors' forms: seconds, a time by the clock, "6m0s", a date. */
function untilMs(text: string): number {
  const number = Number(text);
  if (text !== "" && Number.isFinite(number)) {
    if (number >= clockMs) return number - Date.now();
    return number >= clockSeconds ? number * 1_000 - Date.now() : number * 1_000;
  }
  const parts = duration.exec(text);
  if (parts === null) return Date.parse(text) - Date.now() || 0;
  const [hours = 0, minutes = 0, seconds = 0, ms = 0] = parts.slice(1).map((part) => Number(part ?? 0));
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000 + ms;
}
