/** A text in at most so many characters, none of them cut in two. What was cut ends with an ellipsis. */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const last = text.charCodeAt(maxLength - 2);
  // The first half of a character, whose second half would be lost.
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  return `${text.slice(0, maxLength - (isHalf ? 2 : 1))}…`;
}

/**
 * A text that a client or an upstream chose, as records, logs and headers take it: in at most so many characters, on one
 * line, without control characters and halves of characters.
 */
export function shorten(text: string, maxLength: number): string {
  return cutText(text, maxLength)
    .toWellFormed()
    .replace(/\p{Cc}/gu, " ");
}
