import { envelope } from "../../shared/errors/envelope.ts";
import type { ThroughlineError } from "../../shared/errors/error.ts";

/**
 * Writes a failure inside a stream that has begun, in the client's dialect.
 *
 * @param lastFrame the bytes that the client was given last; undefined: none.
 */
export type InBandError = (error: ThroughlineError, requestId: string, lastFrame: Uint8Array | undefined) => string;

/** OpenAI chat and completions: the SDKs throw on a data chunk with an `error` key. No `[DONE]` follows. */
export const openaiInBandError: InBandError = (error, requestId) =>
  `data: ${JSON.stringify(envelope(error, requestId))}\n\n`;

/** Events with a name, as Anthropic's SDK needs: it drops unnamed ones. */
export const namedInBandError: InBandError = (error, requestId) =>
  `event: error\ndata: ${JSON.stringify(envelope(error, requestId))}\n\n`;

/**
 * OpenAI's responses: a flat `error` event that continues the numbering, with the IDs beside its own fields. openai 7.55
 * throws it as an APIError, 6.49 gives it to the client as an event.
 */
export const responsesInBandError: InBandError = (error, requestId, lastFrame) => {
  const { code, message, param, request_id, upstream_request_id } = envelope(error, requestId).error;
  const numbers = lastFrame === undefined ? [] : [...text(lastFrame).matchAll(/"sequence_number": ?(\d+)/g)];
  const sequence_number = Number(numbers.at(-1)?.[1] ?? -1) + 1;
  const event = { type: "error", code, message, param, sequence_number, request_id, upstream_request_id };
  return `event: error\ndata: ${JSON.stringify(event)}\n\n`;
};

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}
