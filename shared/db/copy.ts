import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { from as copyFrom } from "pg-copy-streams";
import { isBrokenConnection, toFault } from "./faults.ts";
import type { Session } from "./pool.ts";

/** Rows already in COPY's format, in pieces cut anywhere. */
export type CopySource = Buffer | Iterable<Buffer> | AsyncIterable<Buffer>;

/** Options of a copy. */
export interface CopyOptions {
  /** COPY's format of the rows. Default `text`. */
  readonly format?: "text" | "csv" | "binary";
}

/**
 * Runs `copy <tableAndColumns> from stdin` (e.g. `history.records (id, model)`; it goes into the SQL as it is, so it
 * must never come from a client) and gives the number of rows. The source is read no faster than the server takes it.
 * A source that throws aborts the copy; nothing of it stays.
 */
export async function copyInto(
  session: Session,
  tableAndColumns: string,
  rows: CopySource,
  { format = "text" }: CopyOptions = {},
): Promise<number> {
  const target = session.submit(copyFrom(`copy ${tableAndColumns} from stdin (format ${format})`));
  try {
    await pipeline(Buffer.isBuffer(rows) ? Readable.from([rows]) : Readable.from(rows), target);
  } catch (error) {
    if (isBrokenConnection(error)) session.discard();
    throw toFault(error);
  }
  return target.rowCount;
}
