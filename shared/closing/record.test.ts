import { expect, test } from "vitest";
import { createAttempt, createDetail, createRecord, createTimelineEvent } from "../gen/lane_codecs.ts";
import { noteDetail } from "./index.ts";
import { readable } from "./testing.ts";

const detail = (httpStatus: number) =>
  createDetail({
    traceId: "t",
    notes: ["a half \ud800"],
    attempts: [createAttempt({ channel: "stub", httpStatus })],
    timeline: [createTimelineEvent({ name: "resolved", atUs: 1n })],
  });

test("the details of a record go encoded, once", () => {
  const record = createRecord({});
  noteDetail(record, detail(200));
  expect(record.detail).toBeUndefined();
  expect(readable(record).detail).toEqual({ ...detail(200), notes: ["a half \ufffd"] });
});

test("details that cannot be encoded go as they are: the record must not be lost for them", () => {
  const record = createRecord({});
  noteDetail(record, detail(-1));
  expect(record.detail).toEqual(detail(-1));
  expect(record.detailBytes).toHaveLength(0);
});
