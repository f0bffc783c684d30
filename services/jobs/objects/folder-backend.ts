import { constants } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pieceBytes } from "../../../shared/object-piece.ts";
import type { ObjectBackend } from "./backend.ts";
import type { FolderPlace } from "./place.ts";

/** Keeps objects as files of a folder. What is not whole yet has a name of its own. */
export function createFolderBackend({ path: folder }: FolderPlace): ObjectBackend {
  const whole = (id: bigint): string => join(folder, id.toString());
  const unfinished = (id: bigint): string => `${whole(id)}.part`;
  return {
    async write({ object_id: id }, piece, bytes) {
      await mkdir(folder, { recursive: true });
      const file = await open(unfinished(id), constants.O_RDWR | constants.O_CREAT, 0o600);
      try {
        for (let at = 0; at < bytes.length; ) {
          at += (await file.write(bytes, at, bytes.length - at, piece * pieceBytes + at)).bytesWritten;
        }
      } finally {
        await file.close();
      }
    },
    async finish({ object_id: id, bytes }) {
      const path = bytes === 0n ? undefined : await firstThatOpens(unfinished(id), whole(id));
      if (path === undefined) {
        await mkdir(folder, { recursive: true });
        await (await open(whole(id), "a", 0o600)).close();
      } else if (path === unfinished(id)) {
        const file = await open(path, "r+");
        await file.sync();
        await file.close();
        await rename(path, whole(id));
      }
    },
    async read({ object_id: id }, offset, maxBytes) {
      const file = await open(whole(id), "r");
      try {
        const buffer = Buffer.allocUnsafe(maxBytes);
        const { bytesRead } = await file.read(buffer, 0, maxBytes, offset);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
    async remove({ object_id: id }) {
      await rm(unfinished(id), { force: true });
      await rm(whole(id), { force: true });
    },
  };
}

/** The first of two files that is there. Throws where neither is: bytes that were written are gone. */
async function firstThatOpens(first: string, second: string): Promise<string> {
  try {
    await (await open(first, "r")).close();
    return first;
  } catch {
    await (await open(second, "r")).close();
    return second;
  }
}
