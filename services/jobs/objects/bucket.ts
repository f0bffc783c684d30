import { createHash } from "node:crypto";
import { AwsClient } from "aws4fetch";
import type { BucketPlace } from "./place.ts";

/** The few calls of S3 that objects need. */
export interface Bucket {
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Bytes of the range; undefined: there is no such object. */
  get(key: string, offset: number, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Its size; undefined: there is no such object. */
  size(key: string): Promise<number | undefined>;
  remove(key: string): Promise<void>;
  /** Begins an upload in parts and gives its ID. */
  begin(key: string): Promise<string>;
  /** Uploads a part, numbered from 1 on, and gives its tag. */
  part(key: string, uploadId: string, number: number, bytes: Uint8Array): Promise<string>;
  /** Makes the object of its parts. False: there is no such upload. */
  complete(key: string, uploadId: string, tags: readonly string[]): Promise<boolean>;
  abort(key: string, uploadId: string): Promise<void>;
}

const callTimeoutMs = 60_000;
const maxAnswerBytes = 64 * 1024;

/** Opens a bucket. Its calls throw where the store does not do what was asked; the address is in no message. */
export function openBucket({ address, region, accessKeyId, secretAccessKey }: BucketPlace): Bucket {
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: "s3", retries: 2 });

  async function call(method: string, key: string, query: string, body: Uint8Array | undefined, range?: string) {
    const sha256 = createHash("sha256")
      .update(body ?? "")
      .digest("hex");
    return client.fetch(`${address}/${key}${query}`, {
      method,
      headers: { "x-amz-content-sha256": sha256, ...(range === undefined ? {} : { range }) },
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
      // Only the store itself may answer, so no redirect is followed.
      redirect: "error",
      signal: AbortSignal.timeout(callTimeoutMs),
    });
  }

  async function done(response: Response, what: string): Promise<Response> {
    if (response.ok) return response;
    const said = (await response.text()).slice(0, 1_000);
    throw new Error(`the object store refused to ${what}: ${response.status} ${codeOf(said)}`);
  }

  /** The connection is free for the next call once its answer was read. */
  async function drained(response: Response): Promise<void> {
    await response.arrayBuffer();
  }

  return {
    async put(key, bytes) {
      await drained(await done(await call("PUT", key, "", bytes), "keep an object"));
    },
    async get(key, offset, maxBytes) {
      const response = await call("GET", key, "", undefined, `bytes=${offset}-${offset + maxBytes - 1}`);
      if (response.status === 404) {
        await drained(response);
        return undefined;
      }
      const bytes = new Uint8Array(await (await done(response, "give an object")).arrayBuffer());
      return response.status === 206 ? bytes : bytes.subarray(offset, offset + maxBytes);
    },
    async size(key) {
      const response = await call("HEAD", key, "", undefined);
      if (response.status === 404) return undefined;
      return Number((await done(response, "tell of an object")).headers.get("content-length"));
    },
    async remove(key) {
      const response = await call("DELETE", key, "", undefined);
      if (response.status !== 404) await done(response, "delete an object");
      await drained(response);
    },
    async begin(key) {
      const response = await done(await call("POST", key, "?uploads", undefined), "begin an upload");
      const uploadId = elementOf(await textOf(response), "UploadId");
      if (uploadId === undefined) throw new Error("the object store named no upload");
      return uploadId;
    },
    async part(key, uploadId, number, bytes) {
      const query = `?partNumber=${number}&uploadId=${encodeURIComponent(uploadId)}`;
      const response = await done(await call("PUT", key, query, bytes), "keep a part");
      await drained(response);
      const tag = response.headers.get("etag");
      if (tag === null) throw new Error("the object store gave a part no tag");
      return tag;
    },
    async complete(key, uploadId, tags) {
      const parts = tags.map((tag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escaped(tag)}</ETag></Part>`);
      const body = Buffer.from(`<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`);
      const response = await call("POST", key, `?uploadId=${encodeURIComponent(uploadId)}`, body);
      const said = await textOf(response);
      if (response.status === 404) return false;
      // A failure may come inside of a 200: the store keeps the connection alive while it works.
      if (!response.ok || /<Error>/.test(said)) {
        throw new Error(`the object store refused to end an upload: ${response.status} ${codeOf(said)}`);
      }
      return true;
    },
    async abort(key, uploadId) {
      const response = await call("DELETE", key, `?uploadId=${encodeURIComponent(uploadId)}`, undefined);
      if (response.status !== 404) await done(response, "give up an upload");
      await drained(response);
    },
  };
}

async function textOf(response: Response): Promise<string> {
  return (await response.text()).slice(0, maxAnswerBytes);
}

function codeOf(said: string): string {
  return (elementOf(said, "Code") ?? "").slice(0, 100);
}

/** The text of the first element of this name. */
function elementOf(xml: string, name: string): string | undefined {
  const found = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return found?.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
