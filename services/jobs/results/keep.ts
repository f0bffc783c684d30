import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Frame } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { CallResult } from "../db/advance.ts";
import type { ObjectStore } from "../objects/store.ts";
import { type ObjectWriter, openWriter } from "../objects/writer.ts";

/** Longest answer that stands in its row: most are short, and one row is quicker than an object. */
const inRowBytes = 256 * 1024;

/** Whose answer it is, and how long it is kept. */
export interface KeptFor {
  readonly accountId: bigint;
  /** 0: until it is removed. */
  readonly lifeMs: number;
}

/**
 * Keeps an answer as it comes: a short one for the row, a longer one as an object, which bears the ID of the attempt that
 * brings it, for no two runs of a call may share one. Throws what the source throws; nothing is kept then.
 */
export async function keepResult(
  objects: ObjectStore,
  { accountId, lifeMs }: KeptFor,
  frames: AsyncIterable<Frame>,
): Promise<CallResult> {
  let type = "application/json";
  let object = 0n;
  let held: Uint8Array[] = [];
  let bytes = 0;
  let writer: ObjectWriter | undefined;
  try {
    for await (const { head, data } of frames) {
      if (head !== undefined) {
        if (head.contentType !== "") type = head.contentType;
        object = head.attemptId;
      }
      bytes += data.length;
      if (writer === undefined) {
        held.push(data);
        if (bytes <= inRowBytes) continue;
        if (object === 0n) throw new ThroughlineError("internal_error", "A long answer has no attempt.");
        writer = await openWriter(objects, { id: object, accountId, contentType: type });
        for (const piece of held) await writer.write(piece);
        held = [];
      } else await writer.write(data);
    }
    if (writer === undefined) return { type, bytes, inRow: Buffer.concat(held) };
    return { type, bytes: await writer.finish(lifeMs), object };
  } catch (error) {
    if (writer !== undefined) await objects.remove({ id: object, accountId }).catch(() => undefined);
    throw error;
  }
}
