import type { MessageInitShape } from "@bufbuild/protobuf";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  CreateFileRequest,
  DeleteFileRequest,
  FileSchema,
  GetFileRequest,
  ListFilesRequest,
} from "../../../shared/gen/throughline/jobs/v1/files_pb.ts";
import type { JobsContext } from "../context.ts";
import { type FileRow, insertFile, readFile, readFiles } from "../db/files.ts";
import { ownerOf } from "./job-message.ts";

const maxPage = 10_000;
const maxNameLength = 512;

/** Begins a file: its bytes are written as those of the object with its ID, and with its end it is there. */
export async function createFile({ db, objects }: JobsContext, request: CreateFileRequest) {
  const { fileId, owner, filename, purpose, contentType } = request;
  const { accountId } = ownerOf(owner);
  await objects.begin({ id: fileId, accountId, contentType });
  await insertFile(db, {
    file_id: fileId,
    account_id: accountId,
    key_id: owner?.keyId ?? 0n,
    user_id: owner?.userId ?? "",
    filename: filename.slice(0, maxNameLength),
    purpose,
  });
  return {};
}

/** One file of an owner. */
export async function getFile({ db }: JobsContext, { owner, fileId }: GetFileRequest) {
  const row = await readFile(db, ownerOf(owner), fileId);
  if (row === undefined) throw noSuchFile();
  return { file: toFile(row) };
}

/** A page of an owner's files. */
export async function listFiles({ db }: JobsContext, request: ListFilesRequest) {
  const { owner, purpose, afterFileId: after, limit, ascending: oldestFirst } = request;
  if (limit < 1 || limit > maxPage) {
    throw new ThroughlineError("invalid_value", `limit must be a whole number from 1 to ${maxPage}.`, {
      param: "limit",
    });
  }
  const rows = await readFiles(db, ownerOf(owner), { purpose, after, limit: limit + 1, oldestFirst });
  return { files: rows.slice(0, limit).map(toFile), hasMore: rows.length > limit };
}

/** Deletes a file with its bytes. */
export async function deleteFile({ db, objects }: JobsContext, { owner, fileId }: DeleteFileRequest) {
  const row = await readFile(db, ownerOf(owner), fileId);
  if (row === undefined) throw noSuchFile();
  await objects.remove({ id: fileId, accountId: row.account_id });
  return {};
}

function toFile(row: FileRow): MessageInitShape<typeof FileSchema> {
  return {
    fileId: row.file_id,
    filename: row.filename,
    purpose: row.purpose,
    bytes: row.bytes,
    contentType: row.content_type,
    createdUnixMs: BigInt(row.created_at.getTime()),
    expiresUnixMs: BigInt(row.expires_at?.getTime() ?? 0),
  };
}

/** The same words for what is unknown, deleted, and another owner's. */
function noSuchFile(): ThroughlineError {
  return new ThroughlineError("not_found", "There is no such file.");
}
