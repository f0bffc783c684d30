import { randomBytes } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import type { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { JobKind } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { OutcomeSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { moduleNameOf } from "../../../shared/modules.ts";
import type { JobsContext } from "../context.ts";
import type { JobRow } from "../db/job-row.ts";
import { contextOf, itemOf } from "../runner/ask.ts";
import { type EventsDatabase, publishEvent } from "./db/events.ts";
import { eventBody } from "./domain/event-body.ts";
import { patternsOf } from "./domain/event-types.ts";
import { type EndedJob, type EventContent, givenUpAlert, jobEvent } from "./domain/job-event.ts";

/** What an announcement needs. */
export type AnnounceContext = Pick<JobsContext, "db" | "courier">;

/** An event that is to be told to who asks for it. */
export interface Announcement extends EventContent {
  readonly accountId: bigint;
  /** What it tells: of two with the same source the first is told. */
  readonly source: string;
  /** 0: it is about none. */
  readonly requestId: bigint;
  readonly traceparent: string;
  /** True: the request's callback URL is told as well. */
  readonly toCallback: boolean;
  /** True: it is told to those endpoints alone that are told what concerns the whole platform. */
  readonly platformOnly?: boolean;
}

/** Makes an event durable with its deliveries, once, and has them sent. Nothing is kept where nobody asks for it. */
export async function announce({ db, courier }: AnnounceContext, one: Announcement): Promise<void> {
  if (await makeEvent(db, one)) courier.wake();
}

/** The same as a part of a transaction. True: there is something to be sent when it is committed. */
export async function makeEvent(db: EventsDatabase, one: Announcement): Promise<boolean> {
  const { accountId, source, type, requestId, traceparent, toCallback, platformOnly = false } = one;
  const eventId = newEventId();
  const body = eventBody(eventId, type, Date.now(), one.data);
  const event = { eventId, accountId, source, type, body, requestId, traceparent };
  return (await publishEvent(db, event, patternsOf(type), { toCallback, platformOnly })) > 0;
}

/** ID of a new event, as receivers see it. */
export function newEventId(): string {
  return `evt_${randomBytes(16).toString("hex")}`;
}

/**
 * Tells the end of a job. A worker does it before it closes the job's row, which until then says that there is something to be
 * done, so an end is told whoever dies; by its source it is told once.
 */
export async function announceEnd(context: AnnounceContext, row: JobRow): Promise<void> {
  const job = endedJob(row);
  const about = { accountId: row.account_id, requestId: row.request_id, traceparent: contextOf(row) };
  const source = `job ${row.request_id}`;
  const alert = givenUpAlert(job);
  if (alert !== undefined)
    await announce(context, { ...about, ...alert, source: `${source} given up`, toCallback: false });
  // A refusal was the answer to its request: its client knows of no job.
  if (wasRefused(row)) return;
  await announce(context, { ...about, ...jobEvent(job), source, toCallback: true });
}

/** True: the job was over before its client was told of it. One of our own calls is never. */
function wasRefused({ kind, error_code, vendor_job_id }: JobRow): boolean {
  return kind !== JobKind.CALL && error_code !== null && vendor_job_id === "";
}

/** Finishes of a response that is whole; others are the bounds that it came to. */
const whole: ReadonlySet<string> = new Set(["", "completed"]);

function endedJob(row: JobRow): EndedJob {
  const { dialect } = itemOf(row);
  return {
    requestId: row.request_id,
    module: moduleNameOf(row.module as Module),
    dialect,
    code: row.error_code,
    message: row.error_message,
    isIncomplete: row.started !== null && !whole.has(fromBinary(OutcomeSchema, row.started).finishReason),
  };
}
