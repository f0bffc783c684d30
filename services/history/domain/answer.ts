import { isUtf8 } from "node:buffer";
import { boundDocumentInPieces } from "../../../shared/bounded-document.ts";
import { replaceMedia } from "./media.ts";
import type { Repairs } from "./repair.ts";
import { shortenJson } from "./shorten.ts";

/** How much of an answer is kept; the numbers of the contract's StoreResponse. */
const store = { truncated: 2, none: 3 } as const;

/** Bytes of an answer under the account's setting "truncated". */
export const truncatedBytes = 4_096;

/** Answers of so many times what is kept of them are walked through before they are parsed. */
const largeTimes = 4;

/** What is kept of an answer. */
export interface KeptAnswer {
  readonly response: Uint8Array;
  /** True: something of it was cut, here or before. */
  readonly truncated: boolean;
}

/** Whether anything of the answer may be kept, custom_response included. */
export function keepsAnswer(storeResponse: number): boolean {
  return storeResponse !== store.none;
}

/** The answer as it is stored: valid UTF-8, media replaced by their digests, at most the bytes the account and history allow. */
export function keepAnswer(
  answer: { readonly response: Uint8Array; readonly responseTruncated: boolean; readonly storeResponse: number },
  maxBytes: number,
  repairs: Repairs,
): KeptAnswer | Promise<KeptAnswer> {
  if (!keepsAnswer(answer.storeResponse) || answer.response.length === 0) {
    return { response: new Uint8Array(), truncated: answer.responseTruncated };
  }
  const whole = replaceMedia(repairUtf8(answer.response, repairs));
  const limit = answer.storeResponse === store.truncated ? Math.min(truncatedBytes, maxBytes) : maxBytes;
  if (whole.length <= limit) return { response: whole, truncated: answer.responseTruncated };
  if (whole.length > largeTimes * limit) return shortenLarge(whole, limit);
  return { response: Buffer.from(shortenJson(toText(whole), limit)), truncated: true };
}

/** Parsing and writing 16 MB holds a thread up for a second; a walk in pieces first leaves little of it. */
async function shortenLarge(whole: Uint8Array, limit: number): Promise<KeptAnswer> {
  const rest = await boundDocumentInPieces(whole, largeTimes * limit);
  return { response: Buffer.from(shortenJson(toText(rest), limit)), truncated: true };
}

/** The input of a request whose items are not kept: its answer can be referred to, and not gone on from. */
const inputWithoutItems = Buffer.from('{"items":null}');
const noInput = new Uint8Array();

/**
 * What is kept of an input: all of it or none, because one that was cut would be another conversation. It is kept where the
 * whole answer is.
 */
export function keepInput(
  { input, storeResponse }: { readonly input: Uint8Array; readonly storeResponse: number },
  maxBytes: number,
): Uint8Array {
  if (input.length === 0 || storeResponse === store.truncated || storeResponse === store.none) return noInput;
  return input.length <= maxBytes && isUtf8(input) ? input : inputWithoutItems;
}

/** The text of UTF-8 bytes. */
export function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

function repairUtf8(bytes: Uint8Array, repairs: Repairs): Uint8Array {
  if (isUtf8(bytes)) return bytes;
  repairs.repaired = true;
  return Buffer.from(toText(bytes));
}
