import { UsualBytes } from "./usual-bytes.ts";

/** Chunks that are one another's copies but for the text that they bring. */
export interface UsualChunk {
  /** The text of a chunk, as it stands in its JSON; undefined: the chunk is another one. */
  textIn(data: string): string | undefined;
  /** Such a chunk as an event for the client. */
  forClient(data: string): string;
  /** The chunk with such a text as the upstream says it: several texts in a row are read as one. */
  asSaid(text: string): string;
  /** Such chunks in the bytes of a stream. */
  bytes(): UsualBytes;
}

/** A piece of the first choice, up to its text. Fields that say nothing may stand before that. */
const before =
  /"choices":\s?\[\{"index":\s?\d+,\s?"delta":\s?\{(?:"role":\s?"assistant",\s?|"\w+":\s?null,\s?)*"content":\s?"/;
/** What may follow the text: the end of what the choice says. */
const behind = /^"(?:,\s?"role":\s?"assistant"|,\s?"\w+":\s?null)*\}/;
/** What makes a chunk one that must be looked at: another choice, a call, probabilities of the words. */
const more = /"delta"|"message"|"tool_calls"|"function_call"|"logprobs":\s?[^n\s]/;
/** Padding by which the length of a chunk tells nothing of its text. */
const paddingMark = '"obfuscation":"';

/** All of a text in JSON, without its quotes. A raw control character is none of it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what may not be in it.
const jsonText = /^(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*$/;
/** A longer text is looked at as usual: an expression like that keeps a place for each character. */
const maxLength = 1024;

/**
 * Learns of a chunk, which went on as it came but for its ID, what the ones behind it will look like: most streams say each
 * word in the same hundred characters. A chunk that is found to be such a copy needs no search, and no parse of its own.
 * Undefined: nothing is learnt of this one.
 *
 * @param oldId the upstream's ID in quotes; it stands in `data`.
 * @param newId ours, in quotes.
 */
export function learnUsualChunk(data: string, oldId: string, newId: string): UsualChunk | undefined {
  const found = before.exec(data);
  if (found === null) return undefined;
  const start = found.index + found[0].length;
  const idAt = data.indexOf(oldId);
  const end = textEnd(data, start);
  if (idAt < 0 || idAt + oldId.length > found.index || end < 0) return undefined;
  const rest = data.slice(end);
  if (!behind.test(rest) || more.test(rest) || more.test(data.slice(0, found.index))) return undefined;

  const head = data.slice(0, start);
  const headForClient = `data: ${head.slice(0, idAt)}${newId}${head.slice(idAt + oldId.length)}`;
  const paddingAt = rest.indexOf(paddingMark);
  const middle = paddingAt < 0 ? "" : rest.slice(0, paddingAt + paddingMark.length);
  const tail = paddingAt < 0 ? rest : rest.slice(textEnd(rest, middle.length));
  let inBytes: UsualBytes | undefined;

  return {
    textIn(chunk) {
      if (!chunk.startsWith(head) || !chunk.endsWith(tail)) return undefined;
      const last = chunk.length - tail.length;
      let textLast = last;
      if (paddingAt >= 0) {
        textLast = chunk.indexOf(middle, start);
        if (textLast < 0 || textLast + middle.length > last) return undefined;
        const padding = chunk.slice(textLast + middle.length, last);
        if (padding.length > maxLength || !jsonText.test(padding)) return undefined;
      }
      if (textLast < start || textLast - start > maxLength) return undefined;
      const text = chunk.slice(start, textLast);
      return jsonText.test(text) ? text : undefined;
    },
    forClient: (chunk) => `${headForClient}${chunk.slice(start)}\n\n`,
    asSaid: (text) => `${head}${text}${middle}${tail}`,
    bytes() {
      inBytes ??= new UsualBytes({ head, headForClient, middle, tail });
      return inBytes;
    },
  };
}

/** Where the text that begins at `start` ends: at the first quote that does not belong to it; -1: nowhere. */
function textEnd(data: string, start: number): number {
  for (let at = data.indexOf('"', start); at >= 0; at = data.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (data.charCodeAt(at - 1 - backslashes) === 0x5c && at - backslashes > start) backslashes += 1;
    if (backslashes % 2 === 0) return at;
  }
  return -1;
}
