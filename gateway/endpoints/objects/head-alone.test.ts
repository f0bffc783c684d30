import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { BatchApi, BatchState } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import { JobKind, JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { Frame, InvokeItem, Outcome } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { streamHandler, unaryHandler } from "../../../shared/rpc/index.ts";
import { secrets, startTestGateway, type TestGateway } from "../../testing.ts";

/* Whoever asks for the head of something large is told how large it is, and none of it is fetched or read for that. */

const length = 50_000_000;
const bytes = BigInt(length);
const video = { module: Module.VIDEO, kind: JobKind.VENDOR, state: JobState.SUCCEEDED, view: Buffer.from("{}") };
const call = { module: Module.CHAT, kind: JobKind.CALL, state: JobState.SUCCEEDED, resultBytes: 5_000n };
const candidate = { channel: "stub", platform: "stub", upstreamModel: "m" };
const jobs: Readonly<Record<string, object>> = {
  1: { ...video, candidate },
  2: { ...video, resultObjectId: 9n, resultBytes: bytes, resultType: "video/mp4" },
  3: { ...call, resultObjectId: 9n, resultType: "application/json" },
};

let gateway: TestGateway;
let reads = 0;
/** Ranges that the vendor was asked for, and whether its answer was left before its end. */
const asked: { range: string | undefined; left: boolean }[] = [];

beforeAll(async () => {
  gateway = await startTestGateway({
    provider: {
      invoke: streamHandler<InvokeItem, Frame, Outcome>(async (given, out) => {
        const one = { range: given.item.headers.range, left: false };
        asked.push(one);
        const stopped = new Promise<void>((resolve) => given.onStop(resolve));
        const head = { contentType: "video/mp4", contentLength: bytes, channel: "stub" };
        out.write({ data: Buffer.alloc(10), head });
        // The rest comes only to who waits for it, which is for ever.
        await stopped;
        one.left = true;
        return { cancelled: true, firstByte: true };
      }),
    },
    jobs: {
      getFile: unaryHandler(async ({ fileId }) => ({ file: { fileId, bytes, contentType: "text/plain" } })),
      getJob: unaryHandler(async ({ requestId }) => ({
        job: { requestId, model: "m", ...jobs[requestId.toString()] },
      })),
      getBatch: unaryHandler(async ({ batchId }) => ({
        batch: { batchId, api: BatchApi.ANTHROPIC, state: BatchState.ENDED, outputFileId: 9n, accountId: 7n },
      })),
      readObject: unaryHandler(async () => {
        reads += 1;
        return { data: Buffer.alloc(1), bytes };
      }),
    },
  });
});
beforeEach(() => {
  reads = 0;
  asked.length = 0;
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

test.each([
  ["a file", "/v1/files/file-1/content", length, "text/plain", 0],
  ["a video that its vendor has", "/v1/videos/video_1/content", length, "video/mp4", 0],
  ["the same as a job", "/v1/jobs/job_1/content", length, "video/mp4", 0],
  ["a copy of a video", "/v1/videos/video_2/content", length, "video/mp4", 0],
  ["the result of a call", "/v1/jobs/job_3/content", 5_000, "application/json", 0],
  // A byte tells how many there are.
  ["the results of a message batch", "/v1/messages/batches/msgbatch_4/results", length, "application/x-jsonl", 1],
])("%s", async (_what, path, contentLength, type, most) => {
  for (const range of [undefined, "bytes=0-9", "bytes=99999999-"]) {
    reads = 0;
    const headers = { authorization: `Bearer ${secrets.api}`, ...(range === undefined ? {} : { range }) };
    const response = await fetch(`${gateway.url}${path}`, { method: "HEAD", headers });
    expect([response.status, response.headers.get("content-range")]).toEqual([200, null]);
    expect(response.headers.get("content-length")).toBe(String(contentLength));
    expect(response.headers.get("content-type")).toContain(type);
    expect(reads).toBe(most);
  }
  for (const { range, left } of asked) expect([range, left]).toEqual([undefined, true]);
});

test("a job that holds its result has the length that its GET has", async () => {
  const headers = { authorization: `Bearer ${secrets.api}` };
  const head = await fetch(`${gateway.url}/v1/jobs/job_3`, { method: "HEAD", headers });
  expect(head.status).toBe(200);
  expect(Number(head.headers.get("content-length"))).toBeGreaterThan(5_000);
  expect(reads).toBe(0);
});
