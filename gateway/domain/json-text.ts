const backslash = 0x5c;

/** The place of the quote that closes the string whose opening quote is at `start`; of one that is not closed, the end of the text. */
export function textEnd(text: string, start: number): number {
  let at = start;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at === -1) return text.length;
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return at;
  }
}
