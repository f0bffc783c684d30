/** Name of this wire format. */
export const messagesFormat = "anthropic.messages";

/** ID of a message: from it alone the request is found. */
export function messageIdOf(requestId: bigint): string {
  return `msg_${requestId}`;
}
