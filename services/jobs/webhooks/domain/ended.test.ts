import { expect, test } from "vitest";
import { batchEvent } from "./batch-event.ts";
import { eventTypes, isEventPattern, patternsOf } from "./event-types.ts";
import { type EndedJob, givenUpAlert, jobEvent } from "./job-event.ts";

const job: EndedJob = {
  ...{ requestId: 5n, module: "video", dialect: "openai.videos", code: null, message: null, isIncomplete: false },
};
const failed = (code: string) => ({ code, message: "no" });
const response = { module: "chat", dialect: "openai.responses" };

test.each<[Partial<EndedJob>, string, string]>([
  [{}, "video.completed", "video_5"],
  [failed("upstream_error"), "video.failed", "video_5"],
  [failed("cancelled"), "video.failed", "video_5"],
  [response, "response.completed", "resp_5"],
  [{ ...response, isIncomplete: true }, "response.incomplete", "resp_5"],
  [{ ...response, ...failed("expired") }, "response.failed", "resp_5"],
  [{ ...response, ...failed("cancelled") }, "response.cancelled", "resp_5"],
  [{ module: "image", dialect: "openai.images.generations" }, "job.succeeded", "job_5"],
  [{ module: "chat", dialect: "openai.chat", isIncomplete: true }, "job.succeeded", "job_5"],
  [{ module: "audio", dialect: "openai.audio.speech", ...failed("cancelled") }, "job.cancelled", "job_5"],
  [{ module: "audio", dialect: "openai.audio.speech", ...failed("upstream_error") }, "job.failed", "job_5"],
])("%o is told as %s of %s", (about, type, id) => {
  const told = jobEvent({ ...job, ...about });
  expect([told.type, told.data.id, told.data.request_id]).toEqual([type, id, "5"]);
  expect(told.data.error).toEqual("code" in about ? failed(about.code ?? "") : undefined);
  expect(eventTypes).toHaveProperty([told.type]);
});

test("only an end that nobody knows the truth of is an alert", () => {
  for (const code of [null, "cancelled", "content_filtered", "upstream_error"]) {
    expect(givenUpAlert({ ...job, code })).toBeUndefined();
  }
  for (const code of ["expired", "upstream_outcome_unknown"]) {
    expect(givenUpAlert({ ...job, code, message: "no" })?.type).toBe("alert.job_given_up");
  }
});

test("a batch is told by its status", () => {
  const batch = { batchId: 6n, isMessageBatch: false, cancelRequested: false, expired: 0 };
  expect(batchEvent(batch)).toEqual({ type: "batch.completed", data: { id: "batch_6", request_id: "6" } });
  expect(batchEvent({ ...batch, expired: 1 }).type).toBe("batch.expired");
  expect(batchEvent({ ...batch, expired: 1, cancelRequested: true }).type).toBe("batch.cancelled");
  expect(batchEvent({ ...batch, isMessageBatch: true }).data.id).toBe("msgbatch_6");
});

test("each type can be asked for, by its family and by all", () => {
  for (const type of Object.keys(eventTypes)) {
    for (const pattern of patternsOf(type)) expect(isEventPattern(pattern)).toBe(true);
  }
  for (const text of ["", "video", "*.*", "video.began", "webhook.test", "toString", "VIDEO.completed"]) {
    expect(isEventPattern(text)).toBe(false);
  }
});
