import { ThroughlineError } from "../../../shared/errors/error.ts";
import { fromWireError } from "../../../shared/errors/wire.ts";
import { JobAction } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { textLines } from "../../../shared/text-lines.ts";
import { stepItem } from "./ask-vendor.ts";
import type { Held } from "./held.ts";

/** A line of a vendor's results. */
export interface ResultLine {
  /** What it calls the request. */
  readonly name: unknown;
  /** All that it says of it, JSON. */
  readonly bytes: Buffer;
}

const readTimeoutMs = 60 * 60_000;
/** Longest line that is taken: pictures come as text. */
const maxLineBytes = 64 * 1024 * 1024;

/**
 * Reads a file of results as it comes; a line and a piece are in memory. Throws what broke it off: it can be read again. What is no
 * JSON is left out, as if the vendor had said nothing.
 */
export async function* resultLines({ context, row, known, signal }: Held, file: string): AsyncGenerator<ResultLine> {
  const [route] = known.routes.values();
  if (route === undefined) throw new Error("a batch has no route");
  const { locator, vendor_id: vendorJobId } = row;
  const step = { action: JobAction.BATCH_RESULTS, file, locator, vendorJobId };
  const stream = context.provider.invoke.open(stepItem(route, row.channel, step), {
    ...{ requestId: row.batch_id, traceparent: row.traceparent, timeoutMs: readTimeoutMs },
    ...{ frameBytes: (frame) => frame.data.length, signal },
  });
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for await (const frame of stream) yield frame.data;
  }
  const tooLong = (number: number) =>
    new ThroughlineError("upstream_error", `Line ${number} of the results is longer than ${maxLineBytes} bytes.`);
  let isWhole = false;
  try {
    for await (const { bytes } of textLines(pieces(), maxLineBytes, tooLong)) {
      const name = nameIn(bytes);
      if (name !== undefined) yield { name, bytes };
    }
    isWhole = true;
  } finally {
    // A reader that stops early does not wait for the rest.
    if (!isWhole) {
      stream.cancel();
      stream.outcome.catch(() => undefined);
    }
  }
  const { error } = await stream.outcome;
  if (error !== undefined) throw fromWireError(error);
}

/** Vendors call a line by what they were given as its custom_id. */
function nameIn(bytes: Buffer): unknown {
  try {
    const line: unknown = JSON.parse(bytes.toString());
    return typeof line === "object" && line !== null ? Reflect.get(line, "custom_id") : undefined;
  } catch {
    return undefined;
  }
}
