import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Log } from "../../../shared/log.ts";
import { pieceBytes } from "../../../shared/object-piece.ts";
import type { JobsConfig } from "../config.ts";
import {
  claimDead,
  databaseBytes,
  dropObject,
  growObject,
  insertObject,
  markDead,
  markWhole,
  type ObjectRow,
  objectStates,
  readObject,
} from "../db/objects.ts";
import type { JobsDatabase } from "../db/open.ts";
import type { ObjectBackend } from "./backend.ts";
import { openBucket } from "./bucket.ts";
import { createBucketBackend } from "./bucket-backend.ts";
import { createDatabaseBackend } from "./database-backend.ts";
import { createFolderBackend } from "./folder-backend.ts";
import { databasePlace, type ObjectPlace } from "./place.ts";

/** An object by whose it is. */
export interface OwnedObject {
  /** The request that it belongs to, or one that names it alone. */
  readonly id: bigint;
  readonly accountId: bigint;
  /** True: what was paid for is kept, however little room there is. */
  readonly isExempt?: boolean;
}

/** Objects: bytes of files and of results, each known by an ID. */
export interface ObjectStore {
  /** Begins an object; one that was begun and is not whole begins anew. Throws request_too_large where there is no room. */
  begin(object: OwnedObject & { readonly contentType: string }): Promise<void>;
  /** Keeps a piece of `pieceBytes`; only the last may be shorter. Pieces come in their order, and may come again. */
  write(object: OwnedObject, piece: number, bytes: Uint8Array): Promise<void>;
  /** Makes it whole: only now it can be read. @param given.lifeMs from its beginning on; 0: until it is removed. */
  finish(
    object: OwnedObject,
    given: { readonly bytes: number; readonly sha256: Uint8Array; readonly lifeMs: number },
  ): Promise<void>;
  /** What is known of a whole one. Throws not_found. */
  find(object: OwnedObject): Promise<ObjectRow>;
  /** Bytes from `offset` on, at most a piece; none behind its end. Throws not_found. */
  read(object: OwnedObject, offset: number, maxBytes: number): Promise<{ row: ObjectRow; bytes: Uint8Array }>;
  /** Takes it away; where it is gone, nothing. */
  remove(object: OwnedObject): Promise<void>;
  /** Removes what has outlived its time, was never finished, or could not be removed. True: there may be more. */
  sweep(): Promise<boolean>;
}

/** An object that nobody has written to for so long will not be finished. */
const unfinishedMs = 60 * 60_000;
const sweptAtOnce = 50;

/** Creates the store of this process. */
export function createObjectStore(
  db: JobsDatabase,
  config: Omit<JobsConfig["objects"], "copyBytes">,
  log: Log,
): ObjectStore {
  const { place } = config;
  const backends = new Map<string, ObjectBackend>([[databasePlace.name, createDatabaseBackend(db)]]);
  if (place.kind !== "database") backends.set(place.name, createBackend(db, place));

  /** An object stays where it was put, whatever is set later. */
  function backendOf(row: ObjectRow): ObjectBackend {
    const backend = backends.get(row.place);
    if (backend !== undefined) return backend;
    log.error({ place: row.place, object_id: row.object_id.toString() }, "an object is in a place that is not set up");
    throw new ThroughlineError("service_unavailable", "The place that keeps this is not set up at the moment.");
  }

  async function rowOf({ id, accountId }: OwnedObject, state: number): Promise<ObjectRow> {
    const row = await readObject(db, id);
    if (row === undefined || row.account_id !== accountId || row.state !== state) throw noSuchObject();
    return row;
  }

  async function removeRow(row: ObjectRow): Promise<void> {
    await backendOf(row).remove(row);
    await dropObject(db, row.object_id);
  }

  return {
    async begin({ id, accountId, contentType, isExempt }) {
      if (isExempt !== true && place.kind === "database" && (await databaseBytes(db)) > config.databaseBytes) {
        throw new ThroughlineError("service_unavailable", "There is no room for files at the moment.");
      }
      const before = await readObject(db, id);
      if (before !== undefined && before.account_id === accountId && before.state !== objectStates.whole) {
        await removeRow(before);
      }
      await insertObject(db, { id, accountId, contentType, place: place.name });
    },
    async write(object, piece, bytes) {
      if (bytes.length === 0 || bytes.length > pieceBytes || piece < 0) throw badPiece();
      const grown = await growObject(db, object, piece * pieceBytes, bytes.length);
      if (grown === undefined) throw badPiece();
      if (object.isExempt !== true && grown.accountBytes > config.accountBytes) {
        await markDead(db, object);
        throw noRoom(config);
      }
      await backendOf(grown.row).write(grown.row, piece, bytes);
    },
    async finish(object, { bytes, sha256, lifeMs }) {
      const row = await readObject(db, object.id);
      if (row === undefined || row.account_id !== object.accountId || row.bytes !== BigInt(bytes)) throw noSuchObject();
      if (row.state === objectStates.whole) return;
      await backendOf(row).finish(row);
      await markWhole(db, object.id, sha256, lifeMs);
    },
    find: (object) => rowOf(object, objectStates.whole),
    async read(object, offset, maxBytes) {
      const row = await rowOf(object, objectStates.whole);
      const length = Math.min(maxBytes, pieceBytes, Number(row.bytes) - offset);
      const bytes = length <= 0 ? new Uint8Array() : await backendOf(row).read(row, offset, length);
      return { row, bytes };
    },
    async remove(object) {
      const row = await markDead(db, object);
      // The sweep does later what cannot be done now.
      if (row !== undefined) await removeRow(row).catch((error: unknown) => notRemoved(row, error));
    },
    async sweep() {
      const dead = await claimDead(db, unfinishedMs, sweptAtOnce);
      for (const row of dead) await removeRow(row).catch((error: unknown) => notRemoved(row, error));
      return dead.length === sweptAtOnce;
    },
  };

  function notRemoved({ object_id: id }: ObjectRow, error: unknown): void {
    log.warn({ err: error, object_id: id.toString() }, "an object could not be removed; it is tried again");
  }
}

function createBackend(db: JobsDatabase, place: Exclude<ObjectPlace, { kind: "database" }>): ObjectBackend {
  return place.kind === "folder" ? createFolderBackend(place) : createBucketBackend(db, openBucket(place));
}

function noSuchObject(): ThroughlineError {
  return new ThroughlineError("not_found", "There is no such file.");
}

function badPiece(): ThroughlineError {
  return new ThroughlineError(
    "invalid_value",
    "A piece has no place: pieces come in order, of 1 MiB but for the last.",
  );
}

function noRoom({ accountBytes }: Pick<JobsConfig["objects"], "accountBytes">): ThroughlineError {
  const message = `The account's files and results would exceed ${Math.floor(accountBytes / 1024 / 1024)} MiB; delete some.`;
  return new ThroughlineError("request_too_large", message);
}
