const maxLength = 500;
/** Longest text that the patterns look through: some go over a long run of names or dots from each of its places. */
const maxSearched = 4_000;

/**
 * A vendor's message made fit for a client: no keys, no hosts or addresses, no account and organisation names, one line,
 * at most 500 characters.
 */
export function cleanMessage(message: string): string {
  return (
    beginningOf(message)
      .replace(/\p{Cc}+/gu, " ")
      .replace(/https?:\/\/[^\s"'<>)]+/gi, "[link]")
      .replace(/\bBearer\s+\S+/gi, "[key]")
      .replace(/\b(?:sk|pk|ak|rk|key|tl)[-_][A-Za-z0-9*_-]{6,}/gi, "[key]")
      .replace(/\bAIza[0-9A-Za-z_-]{10,}/g, "[key]")
      // Names of resources hold the number of an account.
      .replace(/\barn:aws[\w-]*:[^\s"'<>),]+/gi, "[id]")
      .replace(/\bprojects\/[\w:.-]+/g, "projects/[id]")
      .replace(/\b(?:org|proj|acct|user|req|account|organization)[-_][A-Za-z0-9]{6,}\b/gi, "[id]")
      .replace(/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, "[address]")
      .replace(/\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|cn|dev|cloud|local|internal)\b(?::\d+)?/gi, "[host]")
      .trim()
      .slice(0, maxLength)
  );
}

/**
 * The beginning of a vendor's message, as far as patterns look through it, without a word that is cut: half of a key or a
 * host would be known by no pattern.
 */
export function beginningOf(message: string): string {
  if (message.length <= maxSearched) return message;
  const start = message.slice(0, maxSearched);
  return start.slice(0, Math.max(start.lastIndexOf(" "), 0));
}
