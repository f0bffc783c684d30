import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { JobKind, JobState } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import { startTestGateway, type TestGateway } from "../../testing.ts";

/* What is wrong with a request of jobs' endpoints is said with the request's ID, before anything is created or asked for. */

const jobs = {
  done: { requestId: 101n, state: JobState.SUCCEEDED },
  running: { requestId: 102n, state: JobState.PROCESSING },
  failed: { requestId: 103n, state: JobState.FAILED },
  image: { requestId: 104n, state: JobState.SUCCEEDED, module: Module.IMAGE },
} as const;

let gateway: TestGateway;
/** What was created, or changed. */
const done: string[] = [];

beforeAll(async () => {
  const noted = (name: string) => async () => {
    done.push(name);
    return {};
  };
  gateway = await startTestGateway({
    jobs: {
      createJob: unaryHandler(noted("createJob")),
      createCall: unaryHandler(noted("createCall")),
      cancelJob: unaryHandler(noted("cancelJob")),
      deleteJob: unaryHandler(noted("deleteJob")),
      listJobs: unaryHandler(noted("listJobs")),
      checkCallbackUrl: unaryHandler(async () => ({})),
      getJob: unaryHandler(async ({ requestId }) => {
        const found = Object.values(jobs).find((one) => one.requestId === requestId);
        if (found === undefined) throw new ThroughlineError("not_found", "There is no such job.");
        const candidate = { channel: "stub", platform: "stub", upstreamModel: "m" };
        return {
          job: { module: Module.VIDEO, kind: JobKind.VENDOR, model: "m", candidate, view: Buffer.from("{}"), ...found },
        };
      }),
    },
  });
});
beforeEach(() => {
  done.length = 0;
});
afterAll(() => gateway?.[Symbol.asyncDispose]());

/** Values of every type that JSON has, and some that only look right. */
const values: Readonly<Record<string, unknown>> = {
  null: null,
  false: false,
  true: true,
  zero: 0,
  "a negative number": -1,
  "a fraction": 1.5,
  "a huge number": 1e300,
  "an empty text": "",
  "a text": "nonsense",
  "a number as a text": "4",
  "a text with a null byte": "4\0",
  "a long text": "x".repeat(40_000),
  "an empty list": [],
  "a list of a text": ["4"],
  "an empty object": {},
  "an object": { value: "4" },
};

/** The right values of each field; all other values are wrong. */
type Fields = Readonly<Record<string, readonly (keyof typeof values)[]>>;

const texts = ["a text", "a number as a text", "a text with a null byte"];
const longTexts = [...texts, "a long text"];
const seconds = ["null", "a number as a text"];

const bodies: Readonly<Record<string, readonly [path: string, good: object, fields: Fields]>> = {
  "a video": [
    "/v1/videos",
    { model: "m", prompt: "a cat" },
    {
      model: texts,
      prompt: texts,
      seconds,
      duration: seconds,
      size: ["null"],
      input_reference: ["null", ...longTexts, "an empty object", "an object"],
      user: ["null", "an empty text", ...longTexts],
      callback_url: ["null", ...texts],
    },
  ],
  "a video as new-api's clients ask for it": [
    "/v1/video/generations",
    { model: "m", prompt: "a cat" },
    {
      model: texts,
      prompt: texts,
      image: ["null", ...longTexts],
      duration: ["null", "zero", "a fraction"],
      width: ["null", "zero"],
      height: ["null", "zero"],
      metadata: ["null", "an empty object", "an object"],
      callback_url: ["null", ...texts],
    },
  ],
  "a remix": ["/v1/videos/video_101/remix", { prompt: "a dog" }, { prompt: texts, callback_url: ["null", ...texts] }],
};

test.each([
  ["input_reference", "data:image/png;base64,!!!", 400],
  ["input_reference", "data:image/png;base64,", 400],
  ["input_reference", "data:image/png,AAAA", 400],
  ["input_reference.image_url", { image_url: "data:image/png;base64,AAAA,A" }, 400],
  ["input_reference", `data:image/png;base64,${Buffer.alloc(8 * 1024 * 1024 + 1).toString("base64")}`, 413],
])("a picture that is no data, or too much: %s %.60j", async (param, input_reference, status) => {
  const body = { model: "m", prompt: "a cat", input_reference };
  expect(await refusalOf(await gateway.call("/v1/videos", body))).toMatchObject({ status, param });
  expect(done).toEqual([]);
});

async function refusalOf(response: Response) {
  const body = (await response.json()) as { error?: { code?: string; param?: string | null }; request_id?: string };
  const id = response.headers.get("x-request-id");
  expect(id).toMatch(/^\d+$/);
  expect(JSON.stringify(body)).toContain(`"${id}"`);
  return { status: response.status, code: body.error?.code, param: body.error?.param };
}

describe.each(Object.entries(bodies))("the body of %s", (_name, [path, good, fields]) => {
  test.each(Object.entries(fields))("%s", async (field, right) => {
    for (const [name, value] of Object.entries(values)) {
      if (right.includes(name)) continue;
      const [resolved, recorded] = [gateway.resolved.length, gateway.settled.length];
      const response = await gateway.call(path, { ...good, [field]: value });
      const { status, code, param } = await refusalOf(response);
      expect([name, status, code]).toEqual([
        name,
        400,
        expect.stringMatching(/^(invalid_value|invalid_request|missing_parameter)/),
      ]);
      expect([name, param?.startsWith(field)]).toEqual([name, true]);
      expect([name, done, gateway.resolved.length, gateway.settled.length]).toEqual([name, [], resolved, recorded]);
    }
  });

  test("that is none", async () => {
    for (const body of ["", "{", "[]", "5", '"text"', "null", '{"model":"m","model":"m","prompt":"x"', "\0"]) {
      const headers = { "content-type": "application/json" };
      const { status } = await refusalOf(await gateway.call(path, undefined, { method: "POST", body, headers }));
      expect([body, status, done]).toEqual([body, 400, []]);
    }
  });

  test("without what it needs", async () => {
    for (const missing of Object.keys(good)) {
      const body = Object.fromEntries(Object.entries(good).filter(([name]) => name !== missing));
      const { status, param } = await refusalOf(await gateway.call(path, body));
      expect([missing, status, param, done]).toEqual([missing, 400, missing, []]);
    }
  });
});

const oddIds = [
  ...["nonsense", "video_", "job_", "video_x", "video_-1", "-1", "1.5", "1e3", "0x65", "video_0101", "video_101 "],
  ...["video_99999999999999999999999", "video_video_101", "batch_abc", "%00", "%2e%2e%2f", "é", "x".repeat(90)],
  ...["105", "video_105", "job_105", "20250428022708aaaaaaaa"],
];
const byId: readonly (readonly [method: string, path: (id: string) => string])[] = [
  ["GET", (id) => `/v1/videos/${id}`],
  ["GET", (id) => `/v1/videos/${id}/content`],
  ["DELETE", (id) => `/v1/videos/${id}`],
  ["POST", (id) => `/v1/videos/${id}/remix`],
  ["GET", (id) => `/v1/video/generations/${id}`],
  ["GET", (id) => `/v1/jobs/${id}`],
  ["GET", (id) => `/v1/jobs/${id}/content`],
  ["POST", (id) => `/v1/jobs/${id}/cancel`],
];

test.each(byId)("%s of an ID that is none, or another's, is a 404 that says nothing of which", async (method, path) => {
  const told = new Set<string>();
  const withBody = path("").includes("remix");
  for (const id of oddIds) {
    const response = await gateway.call(path(encodeURI(id)), withBody ? { prompt: "a dog" } : undefined, { method });
    const text = await response.clone().text();
    const { status, code } = await refusalOf(response);
    expect([id, status, code]).toEqual([id, 404, "not_found"]);
    told.add(text.replaceAll(response.headers.get("x-request-id") ?? "", "").replaceAll(/"trace_id":"[^"]*"/g, ""));
  }
  // A cancel is asked of the service by its ID: the service answers that there is none.
  expect(done.filter((name) => name !== "cancelJob")).toEqual([]);
  expect([...told]).toEqual([...told].slice(0, 1));
});

test("only a video that has completed can be remixed, and nothing but a video", async () => {
  const remix = async (id: bigint) =>
    refusalOf(await gateway.call(`/v1/videos/video_${id}/remix`, { prompt: "a dog" }));
  for (const { requestId } of [jobs.running, jobs.failed]) {
    expect(await remix(requestId)).toEqual({ status: 400, code: "invalid_value", param: "id" });
  }
  expect(await remix(jobs.image.requestId)).toMatchObject({ status: 404, code: "not_found" });
  expect([done, gateway.resolved.length]).toEqual([[], 0]);
});

test.each([
  ["/v1/videos?limit=0", "limit"],
  ["/v1/videos?limit=101", "limit"],
  ["/v1/videos?limit=ten", "limit"],
  ["/v1/videos?limit=", "limit"],
  ["/v1/videos?limit=1&limit=2", "limit"],
  ["/v1/videos?order=up", "order"],
  ["/v1/videos?order=", "order"],
  ["/v1/videos/video_101/content?variant=poster", "variant"],
  ["/v1/videos/video_101/content?variant=", "variant"],
  ["/v1/videos/video_101/content?variant=video&variant=thumbnail", "variant"],
  ["/v1/videos/video_102/content", "id"],
  ["/v1/videos/video_103/content", "id"],
  ["/v1/jobs/job_102/content", "id"],
])("%s is wrong in its %s", async (path, param) => {
  expect(await refusalOf(await gateway.call(path))).toEqual({ status: 400, code: "invalid_value", param });
  expect(done).toEqual([]);
});
