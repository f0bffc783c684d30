import type { BatchReport } from "../../../../shared/batch-report.ts";
import type { AskedForm, UpstreamMessage } from "../../domain/exchange.ts";
import { asArray, asObject, countOf, type JsonObject } from "../../wire/json.ts";

/** A line as its vendor takes it. */
export interface WrittenLine {
  /** What must be the same for all lines of a batch, e.g. the path that they go to; it comes back with the creation. */
  readonly place: string;
  /** JSON without a line end in it. */
  readonly line: Uint8Array;
}

/** What a vendor's results say of a line. */
export type LineTold =
  | {
      readonly kind: "answered";
      readonly status: number;
      /** The body that the request would have been answered with. */
      readonly body: Buffer;
      /** The vendor's name of the request. Empty: it gives none. */
      readonly upstreamRequestId: string;
    }
  | { readonly kind: "expired" | "cancelled" };

/** A batch that is to be created. */
export interface NewBatch {
  /** Our name of it. */
  readonly name: string;
  readonly place: string;
  /** The vendor's name of the file of its lines. Empty: they are not uploaded. */
  readonly fileId: string;
  /** The file of its lines, where they are not uploaded. */
  readonly lines: AskedForm | undefined;
}

/** A batch that is looked for: its creation was not answered. */
export interface LostBatch {
  readonly name: string;
  /** Unix seconds before which it was not created. */
  readonly sinceUnixS: number;
  readonly lines: number;
}

/** What a vendor says of a batch. */
export interface BatchTold {
  readonly id: string;
  readonly state: "running" | "ended" | "refused" | "unknown";
  /** The vendor's word for it. */
  readonly word: string;
  /** Files of its results, where it has ended. */
  readonly files: readonly string[];
  /** How many lines have come to what. Absent: it does not say. */
  readonly counts?: BatchReport["counts"];
  /** Lines without a result were not run in time. */
  readonly isLate?: boolean;
  /** Why it was refused, in the vendor's words. */
  readonly message?: string;
}

/** A page of an account's batches, newest first. */
export interface BatchPage {
  /** Those of the page that may be the one that is looked for. */
  readonly found: readonly { readonly told: BatchTold; readonly isCertain: boolean }[];
  /** Where the next page begins; undefined: what follows is too old, or there is none. */
  readonly next: string | undefined;
}

/** A vendor's batches, as far as vendors differ. */
export interface BatchFormat {
  /** Writes a line. Throws invalid_value where the vendor's batches do not take such a request. */
  writeLine(name: string, message: UpstreamMessage): WrittenLine;
  /** What a line of its results says. Undefined: it says nothing that can be read. */
  readLine(line: JsonObject): LineTold | undefined;
  /** Uploads the lines. Absent: they travel with the creation. */
  upload?(lines: AskedForm): UpstreamMessage;
  create(batch: NewBatch): UpstreamMessage;
  /** Asks for a page of the account's batches. @param from where it begins; empty: with the newest. */
  list(from: string): UpstreamMessage;
  page(answer: JsonObject, lost: LostBatch): BatchPage | undefined;
  poll(id: string): UpstreamMessage;
  cancel(id: string): UpstreamMessage;
  /** What an answer to one of these says. Undefined: it is none. */
  tell(answer: JsonObject): BatchTold | undefined;
  results(file: string): UpstreamMessage;
  /** Deletes what is of no use any more: a file, or a batch with its results. */
  discard(what: string): UpstreamMessage;
}

const noBytes = new Uint8Array();

/** A message without a body. */
export function ask(
  method: "GET" | "POST" | "DELETE",
  path: string,
  headers: Readonly<Record<string, string>> = {},
): UpstreamMessage {
  return { method, path, headers, body: noBytes };
}

/** The objects of a list. */
export function objectsIn(list: unknown): readonly JsonObject[] {
  return asArray(list).flatMap((one) => {
    const object = asObject(one);
    return object === undefined ? [] : [object];
  });
}

const newLine = 0x0a;
const carriageReturn = 0x0d;
const blank = 0x20;

/** JSON on one line: outside of texts, where they are escaped, line ends are blanks of the format. */
export function onOneLine(json: Uint8Array): Uint8Array {
  if (!json.includes(newLine) && !json.includes(carriageReturn)) return json;
  return json.map((byte) => (byte === newLine || byte === carriageReturn ? blank : byte));
}

/** More lines than any vendor takes. */
const mostLines = 1_000_000;

/** How many lines a vendor says; undefined: it is no such number. */
export function lineCountOf(value: unknown): number | undefined {
  const count = countOf(value);
  return count === undefined || count > mostLines ? undefined : count;
}
