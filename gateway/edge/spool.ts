import { randomUUID } from "node:crypto";
import { closeSync, constants, openSync, read, unlinkSync, write } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { SpentBuffers } from "../../shared/spent-buffers.ts";
import type { UploadSource } from "../domain/form.ts";
import type { Room } from "./capacity.ts";

const readAt = promisify(read);
const writeAt = promisify(write);

/** What of an upload is kept in memory; beyond it all of it goes to a file. */
export const memoryBytes = 1024 * 1024;

/** An upload that is being received, and then read as often as it is sent. */
export interface Spool extends UploadSource {
  /**
   * Adds bytes at the end; they are not kept by reference where the promise has resolved with a file behind it. Throws
   * service_unavailable where the system has no room for them, internal_error where it cannot keep them otherwise.
   */
  append(bytes: Uint8Array): Promise<void>;
  /** Lets go of all. What is read afterwards fails. */
  release(): void;
}

/** Where uploads are kept. */
export interface SpoolPlace {
  readonly directory: string;
  /** The disk that all uploads may take together. */
  readonly room: Room;
  readonly spent: SpentBuffers;
}

/**
 * Opens one. It is in memory while it is small, then in a file that has no name any more from its first moment on: whatever
 * becomes of this process, the system frees it with the process.
 *
 * @param bytes so many of the room are taken until the release.
 */
export function openSpool(place: SpoolPlace, bytes: number): Spool {
  place.room.take(bytes);
  return new FileSpool(place, bytes);
}

class FileSpool implements Spool {
  length = 0;
  readonly #place: SpoolPlace;
  readonly #taken: number;
  #kept: Uint8Array[] = [];
  #file: number | undefined;
  #released = false;
  /** Reads and writes under way. */
  #busy = 0;

  constructor(place: SpoolPlace, taken: number) {
    this.#place = place;
    this.#taken = taken;
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.#append(bytes).catch((cause: NodeJS.ErrnoException) => {
      throw faultOfDisk(cause);
    });
  }

  async #append(bytes: Uint8Array): Promise<void> {
    const offset = this.length;
    this.length += bytes.length;
    if (this.#file === undefined && this.length <= memoryBytes) {
      this.#kept.push(bytes);
      return;
    }
    const before = this.#kept;
    this.#kept = [];
    let at = offset - before.reduce((sum, piece) => sum + piece.length, 0);
    for (const piece of before) {
      await this.#writeOut(piece, at);
      at += piece.length;
    }
    await this.#writeOut(bytes, offset);
    this.#place.spent.add(bytes.length);
  }

  async read(offset: number, maxBytes: number): Promise<Uint8Array> {
    if (this.#file === undefined) return this.#keptAt(offset, maxBytes);
    const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(maxBytes, this.length - offset)));
    // The one before it was sent, or is about to be.
    this.#place.spent.add(buffer.length);
    const { bytesRead } = await this.#withFile(this.#file, (file) => readAt(file, buffer, 0, buffer.length, offset));
    return new Uint8Array(buffer.buffer, 0, bytesRead);
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#kept = [];
    this.#place.room.give(this.#taken);
    this.#closeIfDone();
  }

  #keptAt(offset: number, maxBytes: number): Uint8Array {
    if (this.#released) throw letGo();
    let start = 0;
    for (const piece of this.#kept) {
      const from = offset - start;
      if (from < piece.length) {
        return new Uint8Array(piece.buffer, piece.byteOffset + from, Math.min(maxBytes, piece.length - from));
      }
      start += piece.length;
    }
    return new Uint8Array();
  }

  async #writeOut(bytes: Uint8Array, offset: number): Promise<void> {
    if (this.#released) throw letGo();
    this.#file ??= openUnnamed(this.#place.directory);
    await this.#withFile(this.#file, async (file) => {
      for (let at = 0; at < bytes.length; ) {
        at += (await writeAt(file, bytes, at, bytes.length - at, offset + at)).bytesWritten;
      }
    });
  }

  async #withFile<T>(file: number, work: (file: number) => Promise<T>): Promise<T> {
    if (this.#released) throw letGo();
    this.#busy += 1;
    try {
      return await work(file);
    } finally {
      this.#busy -= 1;
      this.#closeIfDone();
    }
  }

  /** Not while a read or a write is under way: the system could give the number to another file meanwhile. */
  #closeIfDone(): void {
    if (!this.#released || this.#busy > 0 || this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
  }
}

/** What passes when others let go of theirs: room on the disk, room within a quota, descriptors. */
const noRoom: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EMFILE", "ENFILE"]);

/** The disk is full, or not there: no fault of the client's. */
export function faultOfDisk(cause: NodeJS.ErrnoException): ThroughlineError {
  return noRoom.has(cause.code ?? "")
    ? new ThroughlineError("service_unavailable", "The gateway has no room for the upload at the moment.", { cause })
    : new ThroughlineError("internal_error", "The gateway cannot keep the upload.", { cause });
}

function letGo(): Error {
  return new Error("the upload was let go of");
}

/** Linux's __O_TMPFILE (open(2)), which Node has no name for: with O_DIRECTORY it makes a file that never has one. */
const temporaryFile = 0o20000000;

/**
 * A file that a process which is killed cannot leave. Where the file system knows none without a name, two calls follow each other
 * at once.
 */
function openUnnamed(directory: string): number {
  if (process.platform === "linux") {
    try {
      return openSync(directory, constants.O_RDWR | constants.O_DIRECTORY | temporaryFile, 0o600);
    } catch {
      // If it is the directory's fault, what follows says so.
    }
  }
  const path = join(directory, `throughline-upload-${randomUUID()}`);
  const descriptor = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  return descriptor;
}
