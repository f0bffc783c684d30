/** What stands before the data. The media type counts for nothing here: bytes say by themselves what they are. */
const head = /^data:[\w.+/-]*(?:;[\w.=+-]+)*;base64,/i;
const base64 = /^[A-Za-z0-9+/_\s-]+(?:=\s*){0,2}$/;

/** True: it says that it is data, whether or not it can be read. */
export function isDataUrl(url: string): boolean {
  return /^data:/i.test(url);
}

/** The bytes of a data URL; undefined: it is none in base64, or has not a single byte. */
export function bytesOfDataUrl(url: string): Buffer | undefined {
  const start = head.exec(url)?.[0].length;
  if (start === undefined) return undefined;
  const text = url.slice(start);
  const bytes = base64.test(text) ? Buffer.from(text, "base64") : undefined;
  return bytes === undefined || bytes.length === 0 ? undefined : bytes;
}
