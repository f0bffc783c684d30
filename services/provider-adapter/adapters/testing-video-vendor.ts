import { expect } from "vitest";
import type { JobReport } from "../../../shared/job-report.ts";
import { Unit } from "../../../shared/units.ts";

/** A picture to begin with. */
export const picture = "data:image/png;base64,aGVsbG8=";
/** What every vendor is asked for. */
export const request = { model: "m", prompt: "a river", seconds: "8", size: "1280x720" };

/** A vendor of videos: what it is asked, and what is made of every word that it has for a job. */
export interface Vendor {
  /** Name of its adapter. */
  readonly adapter: string;
  readonly flavour?: object;
  readonly model: string;
  /** What a start sends for the usual request, and with a picture. */
  readonly start: {
    readonly path: string;
    readonly body: object;
    readonly headers?: object;
    readonly pictured?: object;
  };
  /** Answers to a start: one that names the job, and one that refuses it. */
  readonly started: { readonly answer: object; readonly id: string; readonly place?: string };
  readonly refused?: readonly (readonly [answer: object, code: string, failover: boolean])[];
  /** How it is asked after, given up and fetched. */
  readonly poll: readonly [method: string, path: string];
  readonly cancel?: readonly [method: string, path: string];
  /** Absent: it cannot remix. */
  readonly remix?: readonly [method: string, path: string];
  readonly content?: readonly [method: string, path: string];
  /** Answers to a poll and what they mean. */
  readonly polls: readonly (readonly [answer: object, report: Partial<JobReport>, usage?: object])[];
  /** Answers to a poll of a job that has ended, and the address that they lead to, at once or by further answers. */
  readonly result?: { readonly answers: readonly object[]; readonly url: string };
}

/** The report of a job that failed. */
export const failed = (code: string, message?: string): Partial<JobReport> =>
  ({ state: "failed", failure: { code, message: message ?? expect.any(String) } }) as Partial<JobReport>;
/** So many seconds of a video, as usage. */
export const ms = (seconds: number) => ({ unit: Unit.OUTPUT_VIDEO_MS, amount: BigInt(seconds * 1_000) });
/** So many tokens of a video, as usage. */
export const tokens = (amount: number) => ({ unit: Unit.OUTPUT_VIDEO_TOKENS, amount: BigInt(amount) });
/** So many nano-dollars of a vendor's own account of the cost, as usage. */
export const nanoUsd = (amount: bigint) => ({ unit: Unit.VENDOR_NANO_USD, amount });
