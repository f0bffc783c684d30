import { expect, test } from "vitest";
import {
  createAttempt,
  createDetail,
  createOutcome,
  createRecord,
  createRequestFacts,
  createTimelineEvent,
} from "../gen/lane_codecs.ts";
import { detailOf, noteDetail } from "./index.ts";
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

test.each([
  [10n, 20n, ["a", "b", "upstream_sent", "c", "first_byte", "d"]],
  [1n, 40n, ["upstream_sent", "a", "b", "c", "d", "first_byte"]],
  [5n, 0n, ["a", "b", "upstream_sent", "c", "d"]],
])("the upstream's steps stand among the others in their order (%d, %d)", (upstreamSentUs, firstByteUs, names) => {
  const steps = { a: 5n, b: 5n, c: 15n, d: 30n };
  const timeline = Object.entries(steps).map(([name, atUs]) => createTimelineEvent({ name, atUs }));
  const outcome = createOutcome({ timings: { upstreamSentUs } });
  const request = { facts: createRequestFacts({}) } as Parameters<typeof detailOf>[0];
  const ending = { outcome } as Parameters<typeof detailOf>[1];
  const made = detailOf(request, ending, { timeline, firstByteUs, notes: [] });
  expect(made.timeline.map(({ name }) => name)).toEqual(names);
  expect(timeline).toHaveLength(4);
});
