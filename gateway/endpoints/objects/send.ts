import { createHash } from "node:crypto";
import { pieceBytes } from "../../../shared/object-piece.ts";
import type { GatewayContext } from "../../context.ts";
import type { UploadSource } from "../../domain/form.ts";
import type { Incoming } from "../../story/incoming.ts";

/** An object that jobs is to keep. */
export interface SentObject {
  readonly objectId: bigint;
  readonly accountId: bigint;
  /** In hex. Absent: it is reckoned while they are sent. */
  readonly sha256?: string;
  /** 0: it stays until it is deleted. */
  readonly lifeMs: number;
  /** Where its bytes begin in the source, and how many there are. */
  readonly offset: number;
  readonly length: number;
}

/** A piece may have to go on to a bucket. */
const pieceTimeoutMs = 90_000;

/** Sends the bytes of an object that was begun, a piece at a time: the next is read when jobs has the one before. */
export async function sendObject(
  { jobs, spent }: Pick<GatewayContext, "jobs" | "spent">,
  incoming: Pick<Incoming, "id" | "span">,
  source: UploadSource,
  { objectId, accountId, sha256, lifeMs, offset, length }: SentObject,
): Promise<void> {
  const options = { requestId: incoming.id, traceparent: incoming.span.traceparent, timeoutMs: pieceTimeoutMs };
  const hash = sha256 === undefined ? createHash("sha256") : undefined;
  for (let piece = 0; piece * pieceBytes < length; piece++) {
    const from = piece * pieceBytes;
    const data = await readWhole(source, offset + from, Math.min(pieceBytes, length - from));
    hash?.update(data);
    await jobs.writeObject({ objectId, accountId, piece, data }, options);
    spent.add(data.length);
  }
  const digest = hash?.digest() ?? Buffer.from(sha256 ?? "", "hex");
  const finish = { objectId, accountId, bytes: BigInt(length), sha256: digest, lifeMs: BigInt(lifeMs) };
  await jobs.finishObject(finish, options);
}

/** A source may give less than it is asked for. */
async function readWhole(source: UploadSource, offset: number, length: number): Promise<Uint8Array> {
  const first = await source.read(offset, length);
  if (first.length === length) return first;
  const whole = Buffer.allocUnsafe(length);
  whole.set(first);
  for (let at = first.length; at < length; ) {
    const more = await source.read(offset + at, length - at);
    if (more.length === 0) throw new Error("an upload is shorter than it was");
    whole.set(more, at);
    at += more.length;
  }
  return whole;
}
