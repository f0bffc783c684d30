import { afterAll, beforeAll, expect, test } from "vitest";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { type CreateJobRequest, JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import type { CheckCallbackUrlRequest } from "../../../shared/gen/throughline/jobs/v1/webhooks_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import { startTestGateway, type TestGateway } from "../../testing.ts";

const path = "/v1/videos";
const header = "x-throughline-callback-url";
const begun: CreateJobRequest[] = [];
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    jobs: {
      checkCallbackUrl: unaryHandler(async ({ url }: CheckCallbackUrlRequest) => {
        if (url.startsWith("https://a.example/")) return {};
        throw new ThroughlineError("invalid_value", "callback_url must begin with https://.", {
          param: "callback_url",
        });
      }),
      createJob: unaryHandler(async (request: CreateJobRequest) => {
        begun.push(request);
        const { requestId, view } = request;
        return { job: { requestId, view, module: Module.VIDEO, state: JobState.QUEUEING } };
      }),
    },
  });
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

const body = { model: "m", prompt: "a cat" };
const sent = () => JSON.parse(Buffer.from(begun.at(-1)?.item?.body ?? []).toString()) as object;
const headersWith = (url: string) => ({ headers: { [header]: url } });

test("callback_url of a body is kept for the job and does not travel on, in JSON and in a form", async () => {
  const url = "https://a.example/b";
  expect((await gateway.call(path, { ...body, callback_url: url })).status).toBe(200);
  expect([begun.at(-1)?.callbackUrl, sent()]).toEqual([url, body]);
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...body, callback_url: url })) form.set(name, value);
  expect((await gateway.call(path, undefined, { method: "POST", body: form })).status).toBe(200);
  expect([begun.at(-1)?.callbackUrl, sent()]).toEqual([url, body]);
  expect((await gateway.call(path, { ...body, callback_url: null })).status).toBe(200);
  expect(begun.at(-1)?.callbackUrl).toBe("");
});

test("the header says the same, and the body's bytes stay as they came", async () => {
  const url = "https://a.example/c";
  expect((await gateway.call(path, body, headersWith(url))).status).toBe(200);
  expect([begun.at(-1)?.callbackUrl, sent()]).toEqual([url, body]);
  expect((await gateway.call(path, { ...body, callback_url: url }, headersWith(url))).status).toBe(200);
});

test.each<[string, object, RequestInit, string]>([
  ["an address that may not be called", { callback_url: "http://10.0.0.1/" }, {}, "callback_url"],
  ["the same in the header", {}, headersWith("http://10.0.0.1/"), header],
  ["an empty header", {}, headersWith(""), header],
  ["an empty field", { callback_url: "" }, {}, "callback_url"],
  ["a number", { callback_url: 5 }, {}, "callback_url"],
  ["another case", { Callback_URL: "https://a.example/" }, {}, "Callback_URL"],
  ["two", { callback_url: "https://a.example/1" }, headersWith("https://a.example/2"), header],
])("%s is refused before anything is created", async (_name, fields, init, param) => {
  const [jobs, resolved] = [begun.length, gateway.resolved.length];
  const response = await gateway.call(path, { ...body, ...fields }, init);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { code: "invalid_value", param } });
  expect([begun.length, gateway.resolved.length]).toEqual([jobs, resolved]);
});
