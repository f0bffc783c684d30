import type { JobReport } from "../../../../shared/job-report.ts";
import type { UpstreamMessage } from "../../domain/exchange.ts";
import type { Notes } from "../../domain/notes.ts";
import type { UpstreamFailure } from "../../domain/upstream-failure.ts";
import type { JsonObject } from "../../wire/json.ts";
import type { VideoRequest } from "./request.ts";

/** Why a job failed. */
export type JobFailure = NonNullable<JobReport["failure"]>["code"];

/** What a vendor's word for the state of a job means. Of those that failed: how. */
export type JobMeaning =
  | Exclude<JobReport["state"], "unknown">
  | Extract<JobFailure, "cancelled" | "expired" | "content_filtered">;

/** Where a job stands at its vendor. */
export interface JobPlace {
  readonly id: string;
  /** What the start noted (`VideoStart.place`); empty: nothing. */
  readonly place: string;
  /** Model name that is sent upstream. */
  readonly model: string;
}

/** A vendor's report on a job. A field that it leaves out is not known. */
export interface Told {
  /** The vendor's ID of it. */
  readonly id?: string | undefined;
  /** The vendor's word for its state. Empty: it says none. */
  readonly word: string;
  readonly progressPercent?: number | undefined;
  /** Why it failed, in the vendor's words. */
  readonly failure?: { readonly code: string; readonly message: string } | undefined;
  /** Addresses of its results, by variant. */
  readonly urls?: Readonly<Record<string, string | undefined>> | undefined;
  /** The vendor's name of its result, where another call brings the address. */
  readonly file?: string | undefined;
  /** What it consumed. */
  readonly figures?: VideoFigures | undefined;
  /** When its result is deleted, Unix seconds. */
  readonly expiresUnixS?: number | undefined;
}

/** What a video was charged by, as far as it is known. */
export interface VideoFigures {
  /** Length of all that was made. */
  readonly seconds?: number | undefined;
  /** Length of the videos that were given. */
  readonly inputSeconds?: number | undefined;
  readonly tokens?: number | undefined;
  /** Cost by the vendor, in nano-USD. */
  readonly nanoUsd?: number | undefined;
  /** E.g. "1280x720". */
  readonly size?: string | undefined;
  /** In lower case, e.g. "720p". */
  readonly resolution?: string | undefined;
  /** What else picks a price, e.g. "audio" where a video with sound costs more. */
  readonly variant?: string | undefined;
}

/** How a job is begun. */
export interface VideoStart {
  readonly message: UpstreamMessage;
  /** What it will consume by the request and the vendor's defaults. */
  readonly figures: VideoFigures;
  /** Where to find it again, where its ID alone does not say. */
  readonly place?: string;
}

/** A vendor's jobs for videos, as far as vendors differ. */
export interface VideoFormat {
  /** By the vendor's words in lower case. Others are unknown: neither success nor failure. */
  readonly words: Readonly<Record<string, JobMeaning>>;
  /** Codes and messages of failures that blame the content. */
  readonly filtered: RegExp;
  /** Milliseconds that the vendor wants between two questions after a job, at least. Absent: it has no such rule. */
  readonly pollFloorMs?: number;
  /** Throws invalid_value with the path of what the vendor cannot do. */
  start(request: VideoRequest, upstreamModel: string, note: Notes["note"]): VideoStart;
  /** Begins a job that makes another video of one that was made. Absent: the vendor has no such thing. */
  remix?(job: JobPlace, request: VideoRequest): VideoStart;
  /** The refusal inside a 200; undefined: it is none. */
  refusal(answer: JsonObject): UpstreamFailure | undefined;
  /** What an answer to a start, a poll or a cancel says. Undefined: it is none of them. */
  tell(answer: JsonObject, asked: "start" | "poll" | "cancel"): Told | undefined;
  poll(job: JobPlace): UpstreamMessage;
  /** Where one question may be about several jobs. Absent: the vendor documents no such call. */
  readonly together?: {
    /** Most jobs of one question. */
    readonly most: number;
    poll(ids: readonly string[]): UpstreamMessage;
    /** What is said of each job that the answer names. Undefined: it is no answer to this. */
    tell(answer: JsonObject): readonly Told[] | undefined;
  };
  /** The call that says how a job ended, where the answer to a poll does not; undefined: it says all. */
  ending?(told: Told, job: JobPlace): UpstreamMessage | undefined;
  /** What that call says, whatever its status. Undefined: it says nothing of the job. */
  ended?(answer: JsonObject, status: number): Told | undefined;
  /** Absent: it cannot be given up. */
  cancel?(job: JobPlace): UpstreamMessage;
  /** Where its results are bytes of the vendor's API. Absent: their addresses are told. */
  content?(job: JobPlace, variant: string): UpstreamMessage;
  /** The call that brings the address of a result, where the answer to a poll does not; undefined: it does. */
  address?(told: Told, job: JobPlace): UpstreamMessage | undefined;
  /** The address in that answer. */
  addressed?(answer: JsonObject): string | undefined;
}

/** A message without a body. */
export function ask(method: "GET" | "DELETE" | "POST" | "PUT", path: string): UpstreamMessage {
  return { method, path, headers: {}, body: noBytes };
}

const noBytes = new Uint8Array();
