import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { Readable } from "node:stream";
import OpenAI, { toFile } from "openai";
import { beforeAll, expect, test } from "vitest";
import { hasPython, python } from "../../conformance/python.ts";
import { administer, openCustomer } from "../administration.ts";
import { eventually } from "../deployment.ts";
import type { ModulesHouse } from "./house.ts";

/* Files, as the official SDKs upload, list, fetch and delete them. */

const day = 86_400;

/** Uploads, reads and deletes with the SDK, whose form has the file at its end. */
const filesInPython = `
import sys
from openai import OpenAI
client = OpenAI(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0)
made = client.files.create(file=("lines.jsonl", b'{"a":1}\\n' * 1000), purpose="batch",
    expires_after={"anchor": "created_at", "seconds": 3600})
assert made.bytes == 8000 and made.filename == "lines.jsonl" and made.purpose == "batch", made
assert made.expires_at - made.created_at == 3600, made
assert client.files.wait_for_processing(made.id).status == "processed"
assert client.files.content(made.id).read() == b'{"a":1}\\n' * 1000
assert made.id in [file.id for file in client.files.list(purpose="batch", order="asc")]
assert client.files.delete(made.id).deleted
`;

/** The tests of a deployment. */
export function testFiles(houseOf: () => ModulesHouse): void {
  let house: ModulesHouse;
  let openai: OpenAI;
  beforeAll(() => {
    house = houseOf();
    openai = new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1`, maxRetries: 0 });
  });

  test("a large one comes chunked, is kept with its request's ID, and is given back whole and by ranges", async () => {
    const bytes = Buffer.alloc(5_300_001);
    for (let at = 0; at + 4 < bytes.length; at += 4) bytes.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
    const body = Readable.from([bytes.subarray(0, 3_000_000), bytes.subarray(3_000_000)]);
    const { data: file, response } = await openai.files
      .create({ file: await toFile(body, "large.bin"), purpose: "user_data" })
      .withResponse();
    expect(file).toMatchObject({ object: "file", bytes: 5_300_001, filename: "large.bin", purpose: "user_data" });
    expect(file.id).toBe(`file-${response.headers.get("x-request-id")}`);
    expect(file.expires_at).toBeNull();
    expect((await openai.files.waitForProcessing(file.id)).status).toBe("processed");

    const content = Buffer.from(await (await openai.files.content(file.id)).arrayBuffer());
    expect(digest(content)).toBe(digest(bytes));
    const ranges = { "bytes=1048570-1048585": [1_048_570, 1_048_586], "bytes=-7": [5_299_994, 5_300_001] } as const;
    for (const [range, [from, to]] of Object.entries(ranges)) {
      const part = await house.call(`/v1/files/${file.id}/content`, undefined, { range });
      expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes ${from}-${to - 1}/5300001`]);
      expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(from, to))).toBe(true);
    }
    const behind = await house.call(`/v1/files/${file.id}/content`, undefined, { range: "bytes=5300001-" });
    expect([behind.status, behind.headers.get("content-range")]).toEqual([416, "bytes */5300001"]);
    expect(await openai.files.delete(file.id)).toEqual({ id: file.id, object: "file", deleted: true });
    await expect(openai.files.content(file.id)).rejects.toMatchObject({ status: 404 });
  });

  test("are listed by pages and purposes, in both orders; input of a batch goes after 30 days", async () => {
    const made: string[] = [];
    for (const purpose of ["batch", "evals", "batch"] as const) {
      const file = await openai.files.create({ file: await toFile(Buffer.from("{}"), "f.jsonl"), purpose });
      made.push(file.id);
      expect(file.expires_at).toBe(purpose === "batch" ? file.created_at + 30 * day : null);
    }
    const first = await openai.files.list({ limit: 2 });
    expect(first.data.map(({ id }) => id)).toEqual([made[2], made[1]]);
    expect(first.has_more).toBe(true);
    const all: string[] = [];
    for await (const file of openai.files.list({ purpose: "batch", order: "asc", limit: 1 })) all.push(file.id);
    expect(all).toEqual([made[0], made[2]]);
    for (const id of made) await openai.files.delete(id);
    expect((await openai.files.list()).data).toEqual([]);
  });

  test("of another account is as one that is not there, in every spelling", async () => {
    const file = await openai.files.create({ file: await toFile(Buffer.from("mine"), "m.txt"), purpose: "user_data" });
    const stranger = await openCustomer(administer(house));
    for (const id of [file.id, file.id.replace("file-", ""), file.id.replace("file-", "file_")]) {
      for (const path of [`files/${id}`, `files/${id}/content`]) {
        expect((await house.call(`/v1/${path}`)).status).toBe(200);
        expect([path, (await house.call(`/v1/${path}`, undefined, stranger.headers)).status]).toEqual([path, 404]);
      }
      const deleted = await fetch(`${house.url}/v1/files/${id}`, { method: "DELETE", headers: stranger.headers });
      expect(deleted.status).toBe(404);
    }
  });

  test.each([
    [{ purpose: "poetry" }, "purpose"],
    [{}, "purpose"],
    [
      { purpose: "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "60" },
      "expires_after[seconds]",
    ],
    [{ purpose: "batch", "expires_after[seconds]": "7200" }, "expires_after[anchor]"],
    [{ purpose: "batch", expires_after: '{"anchor":"created_at","seconds":3600}' }, "expires_after"],
    [{ purpose: "batch", file: "" }, "file"],
  ])("a form with %j is refused, and nothing of it is kept", async (fields, param) => {
    const form = new FormData();
    if (!("file" in fields)) form.append("file", new Blob(["{}"]), "f.jsonl");
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    const headers = { authorization: `Bearer ${house.key}` };
    const response = await fetch(`${house.url}/v1/files`, { method: "POST", headers, body: form });
    const { error } = (await response.json()) as { error: { param: string; request_id: string } };
    expect([response.status, error.param]).toEqual([400, param]);
    expect(error.request_id).toBe(response.headers.get("x-request-id"));
    expect((await house.call(`/v1/files/file-${error.request_id}`)).status).toBe(404);
  });

  test("a client that leaves in the middle leaves nothing", async () => {
    const leaving = new AbortController();
    const body = Readable.from(
      (function* pieces() {
        yield Buffer.alloc(2_000_000);
        leaving.abort();
        yield Buffer.alloc(2_000_000);
      })(),
    );
    const upload = openai.files.create(
      { file: await toFile(body, "half.bin"), purpose: "user_data" },
      { signal: leaving.signal },
    );
    await expect(upload).rejects.toThrow();
    await eventually(async () => {
      const { data } = await openai.files.list();
      return data.some(({ filename }) => filename === "half.bin") ? undefined : true;
    });
    expect(await readdir(house.spool)).toEqual([]);
  });

  test("by the SDK for Python", async ({ skip }) => {
    if (!(await hasPython("openai"))) skip();
    await python(filesInPython, `${house.url}/v1`, house.key);
  });
}

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
