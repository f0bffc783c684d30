import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../../shared/db/testing.ts";
import { createLog } from "../../../shared/log.ts";
import { pieceBytes } from "../../../shared/object-piece.ts";
import { objectStates } from "../db/objects.ts";
import { type JobsDatabase, openDatabase } from "../db/open.ts";
import { type ObjectPlace, placeOf } from "./place.ts";
import { createObjectStore, type ObjectStore } from "./store.ts";
import { startTestBucket, type TestBucket } from "./testing-bucket.ts";
import { openWriter } from "./writer.ts";

const log = createLog({ service: "jobs", level: "silent" });
const keys = { accessKeyId: "test-key", secretAccessKey: "test-secret" };
let postgres: TestPostgres;
let db: JobsDatabase;
let bucket: TestBucket;
let folder: string;

beforeAll(async () => {
  postgres = await testPostgres();
  db = await openDatabase({ url: postgres.url, maxConnections: 4, migrate: true, log });
  bucket = await startTestBucket();
  folder = await mkdtemp(join(tmpdir(), "throughline-objects-"));
});
afterAll(async () => {
  await db?.close();
  await postgres?.stop();
  await bucket?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

function storeAt(place: ObjectPlace, limits = { accountBytes: 1e12, databaseBytes: 1e12 }): ObjectStore {
  return createObjectStore(db, { place, ...limits }, log);
}

/** Bytes that differ from place to place. */
function bytesOf(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  return bytes;
}

async function readAll(store: ObjectStore, id: bigint, accountId: bigint): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let offset = 0; ; ) {
    const { bytes } = await store.read({ id, accountId }, offset, 700_001);
    if (bytes.length === 0) return Buffer.concat(pieces);
    pieces.push(bytes);
    offset += bytes.length;
  }
}

/**
 * By hand, against a real store that speaks as S3: S3_TEST_URL=s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=us-east-1 with
 * its keys in S3_TEST_ACCESS_KEY_ID and S3_TEST_SECRET_ACCESS_KEY.
 */
const { S3_TEST_URL: realUrl, S3_TEST_ACCESS_KEY_ID: realId, S3_TEST_SECRET_ACCESS_KEY: realSecret } = process.env;
const urls: Readonly<Record<string, () => string>> = {
  database: () => "",
  folder: () => `file://${folder}/objects`,
  bucket: () => bucket.url,
  ...(realUrl === undefined ? {} : { "real store": () => realUrl }),
};
const placeAt = (name: string): ObjectPlace =>
  placeOf(urls[name]?.() ?? "", name === "real store" ? { accessKeyId: realId, secretAccessKey: realSecret } : keys);
let nextId = 100n;
let nextAccount = 1_000n;

describe.each(Object.keys(urls))("in a %s", (place) => {
  const accountId = nextAccount++;
  const open = (): ObjectStore => storeAt(placeAt(place));

  test.each([
    ["nothing", 0],
    ["a few bytes", 17],
    ["one piece", pieceBytes],
    ["a part to the byte", 8 * pieceBytes],
    ["two parts and a rest", 16 * pieceBytes + 5],
  ])("an object of %s is given back as it was written, whole and by ranges", async (_name, length) => {
    const store = open();
    const id = nextId++;
    const bytes = bytesOf(length);
    const writer = await openWriter(store, { id, accountId, contentType: "text/plain" });
    for (let at = 0; at < length; at += 777_777) await writer.write(bytes.subarray(at, at + 777_777));
    await expect(store.read({ id, accountId }, 0, 10)).rejects.toMatchObject({ code: "not_found" });
    expect(await writer.finish(3_600_000)).toBe(length);
    const row = await store.find({ id, accountId });
    // A life is anchored at the beginning, however long the upload took.
    expect((row.expires_at?.getTime() ?? 0) - row.created_at.getTime()).toBe(3_600_000);
    expect(row).toMatchObject({ bytes: BigInt(length), content_type: "text/plain" });
    expect(row.sha256?.toString("hex")).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect((await readAll(open(), id, accountId)).equals(bytes)).toBe(true);
    await expect(store.read({ id, accountId: accountId + 1n }, 0, 10)).rejects.toMatchObject({ code: "not_found" });
    await store.remove({ id, accountId });
    await store.remove({ id, accountId });
    await expect(store.find({ id, accountId })).rejects.toMatchObject({ code: "not_found" });
    expect(bucket.uploads.size).toBe(0);
    expect([...bucket.kept.keys()].filter((key) => key.endsWith(`/${id}`))).toEqual([]);
    if (place === "folder") expect(await readdir(join(folder, "objects"))).toEqual([]);
  });

  test("pieces that come again, to another process, change nothing", async () => {
    const id = nextId++;
    const bytes = bytesOf(9 * pieceBytes + 3);
    const [first, second] = [open(), open()];
    await first.begin({ id, accountId, contentType: "" });
    for (let piece = 0; piece * pieceBytes < bytes.length; piece++) {
      const data = bytes.subarray(piece * pieceBytes, (piece + 1) * pieceBytes);
      await first.write({ id, accountId }, piece, data);
      await second.write({ id, accountId }, piece, data);
    }
    const given = { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest(), lifeMs: 0 };
    await second.finish({ id, accountId }, given);
    await first.finish({ id, accountId }, given);
    expect((await readAll(first, id, accountId)).equals(bytes)).toBe(true);
    await first.remove({ id, accountId });
  });

  test("one that is begun anew has nothing of the first", async () => {
    const store = open();
    const id = nextId++;
    await store.begin({ id, accountId, contentType: "" });
    await store.write({ id, accountId }, 0, bytesOf(pieceBytes));
    const writer = await openWriter(store, { id, accountId, contentType: "" });
    await writer.write(Buffer.from("second"));
    await writer.finish(0);
    expect((await readAll(store, id, accountId)).toString()).toBe("second");
    await store.remove({ id, accountId });
  });

  test("what was never finished, and what has outlived its time, is swept", async () => {
    const store = open();
    const [unfinished, expired] = [nextId++, nextId++];
    await store.begin({ id: unfinished, accountId, contentType: "" });
    for (let piece = 0; piece < 8; piece++) {
      await store.write({ id: unfinished, accountId }, piece, bytesOf(pieceBytes));
    }
    const writer = await openWriter(store, { id: expired, accountId, contentType: "" });
    await writer.write(Buffer.from("soon gone"));
    await writer.finish(60_000);
    expect(await store.sweep()).toBe(false);
    expect(await store.find({ id: expired, accountId })).toMatchObject({ state: objectStates.whole });
    await sql`update jobs.object set touched_at = now() - interval '61 minutes', expires_at = expires_at - interval '61 seconds'
      where object_id in (${unfinished.toString()}::bigint, ${expired.toString()}::bigint)`.execute(db.kysely);
    await store.sweep();
    const left =
      await sql`select object_id from jobs.object where account_id = ${accountId.toString()}::bigint`.execute(
        db.kysely,
      );
    expect(left.rows).toEqual([]);
    const total = await sql<{ bytes: bigint }>`select bytes from jobs.object_total
      where account_id = ${accountId.toString()}::bigint`.execute(db.kysely);
    expect(total.rows).toEqual([{ bytes: 0n }]);
    expect(bucket.uploads.size).toBe(0);
  });
});

test("an account has as much room as it may have, and gets it back", async () => {
  const accountId = nextAccount++;
  const store = storeAt(placeOf("", keys), { accountBytes: 20, databaseBytes: 1e12 });
  const write = async (id: bigint, text: string): Promise<void> => {
    const writer = await openWriter(store, { id, accountId, contentType: "" });
    await writer.write(Buffer.from(text));
    await writer.finish(0);
  };
  await write(1n, "fifteen bytes..");
  await expect(write(2n, "too many")).rejects.toMatchObject({ code: "request_too_large" });
  await store.remove({ id: 1n, accountId });
  await sql`update jobs.object set touched_at = now() - interval '2 minutes' where object_id = 2`.execute(db.kysely);
  await store.sweep();
  await write(3n, "twenty bytes, no more".slice(0, 20));
});

test("the database takes no more than it may", async () => {
  const store = storeAt(placeOf("", keys), { accountBytes: 1e12, databaseBytes: 0 });
  await expect(store.begin({ id: 1n, accountId: 1n, contentType: "" })).rejects.toMatchObject({
    code: "service_unavailable",
  });
});

test("pieces leave no hole", async () => {
  const store = storeAt(placeOf("", keys));
  const object = { id: nextId++, accountId: nextAccount++ };
  await store.begin({ ...object, contentType: "" });
  await expect(store.write(object, 1, Buffer.from("x"))).rejects.toMatchObject({ code: "invalid_value" });
  await expect(store.write(object, 0, Buffer.alloc(pieceBytes + 1))).rejects.toMatchObject({ code: "invalid_value" });
});

test("a bucket's answers may be lost: the object is whole all the same, in parts that stores take", async () => {
  const store = storeAt(placeOf(bucket.url, keys));
  const object = { id: nextId++, accountId: nextAccount++ };
  bucket.partBytes.length = 0;
  const bytes = bytesOf(17 * pieceBytes);
  const writer = await openWriter(store, { ...object, contentType: "" });
  bucket.lose("PUT", 1);
  await writer.write(bytes);
  bucket.lose("POST", 1);
  await writer.finish(0);
  expect((await readAll(store, object.id, object.accountId)).equals(bytes)).toBe(true);
  expect(bucket.partBytes.map((length) => length / pieceBytes)).toEqual([8, 8, 8, 1]);
});

test.each([
  ["", { kind: "database" }],
  ["file:///var/lib/objects/", { kind: "folder", path: "/var/lib/objects", name: "file:///var/lib/objects" }],
  ["s3://b-1/p?region=eu-west-1", { address: "https://s3.eu-west-1.amazonaws.com/b-1/p", region: "eu-west-1" }],
  ["s3://bkt?endpoint=https://store.example/base/", { address: "https://store.example/base/bkt" }],
  ["s3://bkt?endpoint=http://localhost:9000", { address: "http://localhost:9000/bkt" }],
])("%s is a place", (url, place) => {
  expect(placeOf(url, keys)).toMatchObject(place);
  expect(placeOf(url, keys).name).not.toContain(keys.secretAccessKey);
});

test.each([
  "file://host/folder",
  "file:///",
  "https://store.example/bucket",
  "/var/lib/objects",
  "s3://b",
  "s3://bkt?endpoint=http://store.example",
  "s3://bkt?endpoint=https://user:secret@store.example",
  "s3://bkt?endpoint=ftp://store.example",
  "s3://bkt/pre%20fix",
])("%s is none", (url) => {
  expect(() => placeOf(url, keys)).toThrow("OBJECT_STORE_URL");
});

test("a bucket needs its keys", () => {
  expect(() => placeOf("s3://bkt", { ...keys, secretAccessKey: undefined })).toThrow("OBJECT_STORE_SECRET_ACCESS_KEY");
});
