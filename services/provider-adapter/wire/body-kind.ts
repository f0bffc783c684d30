/** What a body is, by how it begins. */
export type BodyKind = "json" | "events" | "other";

/** How a line of server-sent events begins: a field's name, or a comment. */
const eventLine = /^(?:data|event|id|retry)?:/;
/** UTF-8's byte order mark, read byte by byte. */
const byteOrderMark = "\u00EF\u00BB\u00BF";
/** No field's name is longer. */
const sampleBytes = 64;

/**
 * What the beginning of a body says that the body is; undefined: there is only white space so far. Some upstreams answer
 * otherwise than they were asked to, and otherwise than their Content-Type says.
 */
export function bodyKindOf(start: Buffer): BodyKind | undefined {
  const first = start.findIndex((byte) => byte > 0x20);
  if (first < 0) return undefined;
  const text = start.toString("latin1", first, first + sampleBytes);
  const said = text.startsWith(byteOrderMark) ? text.slice(byteOrderMark.length).trimStart() : text;
  if (said.startsWith("{") || said.startsWith("[")) return "json";
  return eventLine.test(said) ? "events" : "other";
}
