import type { File } from "../../shared/gen/throughline/jobs/v1/files_pb.ts";

/** ID of a file. */
export function fileId(id: bigint): string {
  return `file-${id}`;
}

/** A file as OpenAI's API shows it. */
export function toFile(file: File): object {
  return {
    id: fileId(file.fileId),
    object: "file",
    bytes: Number(file.bytes),
    created_at: Number(file.createdUnixMs / 1_000n),
    expires_at: file.expiresUnixMs === 0n ? null : Number(file.expiresUnixMs / 1_000n),
    filename: file.filename,
    purpose: file.purpose,
    status: "processed",
    status_details: null,
  };
}
