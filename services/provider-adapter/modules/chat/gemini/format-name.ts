/** Name of this wire format. */
export const geminiFormatName = "gemini";

/** ID of an answer: the request's own, for the format has no form of its own for one. */
export function responseIdOf(requestId: bigint): string {
  return String(requestId);
}
