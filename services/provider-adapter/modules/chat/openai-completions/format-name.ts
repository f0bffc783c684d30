/** Name of this wire format. */
export const completionsFormat = "openai.completions";

/** ID of a completion: from it alone the request is found. */
export function completionIdOf(requestId: bigint): string {
  return `cmpl-${requestId}`;
}
