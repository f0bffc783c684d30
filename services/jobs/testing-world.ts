import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ErrorCode } from "../../shared/errors/catalogue.ts";
import type { ErrorOptions } from "../../shared/errors/error.ts";
import type { BudgetUseSchema, SettleItem } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Record as HistoryRecord } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { JobReport } from "../../shared/job-report.ts";

/** What a vendor answers to a step: a report, an error of the provider's, or never. */
export type Answer =
  | Partial<JobReport>
  | {
      readonly error: ErrorCode;
      readonly says?: ErrorOptions;
      readonly httpStatus?: number;
      readonly retryAfterMs?: number;
    }
  | "lost"
  | "unsent"
  | "channel removed";

/** How an upstream answers a call: pieces, then how it ends; "lost": the provider is lost in the middle. */
export interface CallAnswer {
  readonly pieces: readonly Uint8Array[];
  readonly type?: string;
  readonly error?: ErrorCode | "lost";
  /** What its error says beside its code. */
  readonly says?: ErrorOptions;
  /** What the record is to have in place of the answer. */
  readonly document?: string;
  /** Waited for before the end. */
  readonly until?: Promise<void>;
}

/** A vendor, and the two services that hear of ends; what they were told is kept over restarts of jobs. */
export interface World {
  /** Answers a step; `count` is how often this step was asked of this job, from 1 on. */
  vendor: (action: "start" | "poll" | "cancel", count: number, requestId: bigint) => Answer | Promise<Answer>;
  /** Answers a call; `form` is what came of its form. */
  upstream: (count: number, requestId: bigint, form: Buffer) => CallAnswer | Promise<CallAnswer>;
  /** Answers a question after several jobs; what it leaves out its vendor does not name. */
  together: (requestIds: readonly bigint[]) => readonly Partial<JobReport>[] | Answer;
  /** Questions after several jobs that were asked, each with its jobs. */
  readonly askedTogether: (readonly bigint[])[];
  /** When each question was asked, Unix milliseconds. */
  readonly askedAtMs: number[];
  /** Gives a result; `count` is how often it was asked for. */
  content: (count: number, requestId: bigint) => CallAnswer | Promise<CallAnswer>;
  /** Calls that were told to stop. */
  readonly stopped: Set<bigint>;
  /** Thrown, if it throws, before (true) or after (false) billing or history has taken a call. */
  fault: (service: "settle" | "record", before: boolean) => void;
  readonly asked: Map<string, number>;
  readonly settled: Map<bigint, SettleItem>;
  /** Calls of settle that were taken, and the request of each. */
  readonly settleCalls: SettleItem[];
  readonly settledIds: bigint[];
  readonly recorded: HistoryRecord[];
  readonly extended: Set<bigint>;
  /** What was asked of billing for lines of batches that began together. */
  readonly splits: (readonly bigint[])[];
  /** False: billing holds nothing for batches any more. */
  isHeld: boolean;
  /** Requests that reserved by themselves. */
  readonly reserved: Set<bigint>;
  /** Contexts of traces with which steps of jobs were asked for, by request. */
  readonly contexts: Map<bigint, string[]>;
  /** Where vendors were told to call, by request. */
  readonly callbackUrls: Map<bigint, string>;
  /** What routing says of channels: whether the breaker of each is open. */
  channels: Readonly<Record<string, boolean>>;
  /** What billing says of budgets. */
  budgets: readonly MessageInitShape<typeof BudgetUseSchema>[];
}

/** Creates one whose vendor does a job at once. */
export function createWorld(): World {
  return {
    vendor: (action) => (action === "start" ? { state: "queueing" } : { state: "succeeded", seconds: 4 }),
    upstream: () => ({ pieces: [Buffer.from('{"data":[]}')] }),
    together: () => [],
    askedTogether: [],
    askedAtMs: [],
    content: () => ({ pieces: [Buffer.from("a video")] }),
    stopped: new Set(),
    fault: () => undefined,
    asked: new Map(),
    settled: new Map(),
    settleCalls: [],
    settledIds: [],
    recorded: [],
    extended: new Set(),
    splits: [],
    isHeld: true,
    reserved: new Set(),
    contexts: new Map(),
    callbackUrls: new Map(),
    channels: {},
    budgets: [],
  };
}
