import { boundDocumentInPieces } from "../../shared/bounded-document.ts";
import type { Ask } from "./ask.ts";
import type { Demand } from "./demand.ts";
import type { Ending } from "./ending.ts";

/** Largest answer that travels to history whole: with its details it stays below the limit of a message. */
const maxWholeBytes = 16 * 1024 * 1024;
/** What travels of a larger one: as much as history may be set to keep (HISTORY_MAX_RESPONSE_BYTES). */
const maxBoundedBytes = 8 * 1024 * 1024;

type RecordedAsk = Pick<Ask, "keepsAnswer"> & { readonly demand: Pick<Demand, "answer"> };

/** What a record has of an answer. */
export interface RecordedAnswer {
  readonly response: Uint8Array;
  /** True: something of it was cut, here or by the provider. */
  readonly truncated: boolean;
}

/**
 * The answer as it travels to history: the document that the provider made of it, or the JSON body. A message that
 * is too large would be refused, and the request left without its record, so a large document is shortened.
 */
export function recordedAnswer(
  { demand: { answer }, keepsAnswer }: RecordedAsk,
  { outcome, kept }: Pick<Ending, "outcome" | "kept">,
) {
  const whole = answer !== "json" || !keepsAnswer ? (outcome?.response ?? new Uint8Array()) : joined(kept);
  const truncated = outcome?.responseTruncated ?? false;
  return whole.length <= maxWholeBytes ? { response: whole, truncated } : shortened(whole);
}

async function shortened(whole: Uint8Array): Promise<RecordedAnswer> {
  return { response: await boundDocumentInPieces(whole, maxBoundedBytes), truncated: true };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}
