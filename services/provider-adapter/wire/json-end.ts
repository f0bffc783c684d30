import { parseJson } from "./json.ts";

const quote = 0x22;
const backslash = 0x5c;

/**
 * Tells whether pieces that grow are the text of one whole JSON object, list or string. Each piece is looked at once
 * however often it is asked, because a stream asks after every piece of every call.
 */
export function createJsonEnd(pieces: readonly string[]): () => boolean {
  let seen = 0;
  let depth = 0;
  let inString = false;
  let escaped = false;
  let ended = false;
  /** Text stands behind the end. */
  let broken = false;
  let valid: boolean | undefined;

  function take(code: number): void {
    if (inString) {
      if (escaped) escaped = false;
      else if (code === backslash) escaped = true;
      else if (code === quote) inString = false;
    } else if (isSpace(code)) return;
    else if (ended) broken = true;
    else if (code === quote) inString = true;
    else if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) depth--;
    // A number says by nothing that it has ended.
    else if (depth === 0) broken = true;
    if (depth <= 0 && !inString) ended = true;
  }

  return () => {
    for (; seen < pieces.length; seen++) {
      const piece = pieces[seen] ?? "";
      for (let i = 0; i < piece.length && !broken; i++) take(piece.charCodeAt(i));
    }
    if (!ended || broken) return false;
    valid ??= parseJson(pieces.join("")) !== undefined;
    return valid;
  };
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
