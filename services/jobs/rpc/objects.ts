import type {
  BeginObjectRequest,
  FinishObjectRequest,
  ReadObjectRequest,
  WriteObjectRequest,
} from "../../../shared/gen/throughline/jobs/v1/objects_pb.ts";
import type { JobsContext } from "../context.ts";

/** Begins to keep bytes under an ID. */
export async function beginObject({ objects }: JobsContext, request: BeginObjectRequest) {
  const { objectId: id, accountId, contentType } = request;
  await objects.begin({ id, accountId, contentType });
  return {};
}

/** Keeps a piece of them. */
export async function writeObject({ objects }: JobsContext, request: WriteObjectRequest) {
  const { objectId: id, accountId, piece, data } = request;
  await objects.write({ id, accountId }, piece, data);
  return {};
}

/** All pieces are written. */
export async function finishObject({ objects }: JobsContext, request: FinishObjectRequest) {
  const { objectId: id, accountId, bytes, sha256, lifeMs } = request;
  await objects.finish({ id, accountId }, { bytes: Number(bytes), sha256, lifeMs: Number(lifeMs) });
  return {};
}

/** A range of an object. */
export async function readObject({ objects }: JobsContext, request: ReadObjectRequest) {
  const { objectId: id, accountId, offset, maxBytes } = request;
  const { row, bytes } = await objects.read({ id, accountId }, Number(offset), maxBytes);
  return { data: bytes, bytes: row.bytes, contentType: row.content_type, sha256: row.sha256 ?? new Uint8Array() };
}
