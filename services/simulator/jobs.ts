import { createHash } from "node:crypto";
import type { Behaviour } from "./behaviour.ts";

/** A job that the simulator has begun. */
export interface SimulatedJob {
  readonly id: string;
  readonly model: string;
  readonly prompt: string;
  /** Length of its video as it was asked for, e.g. "4". */
  readonly seconds: string;
  /** E.g. "720x1280". */
  readonly size: string;
  /** SHA-256 of the picture that it was given, in hex; empty: none. */
  readonly reference: string;
  /** Unix milliseconds. */
  readonly createdAtMs: number;
  readonly behaviour: Behaviour;
  /** Times that it was asked after. */
  polls: number;
}

/** Where a job stands. */
export interface JobMoment {
  readonly state: "waiting" | "running" | "done" | "failed" | "filtered" | "forgotten";
  readonly progressPercent: number;
  /** Unix milliseconds. 0: it has not ended. */
  readonly endedAtMs: number;
}

/** Keeps the jobs of one simulator. */
export interface JobStore {
  add(job: Omit<SimulatedJob, "id" | "polls" | "createdAtMs">): SimulatedJob;
  find(id: string): SimulatedJob | undefined;
  delete(id: string): void;
  /** Oldest first. */
  list(): readonly SimulatedJob[];
}

/** Most jobs that are kept; the oldest go first. */
const maxJobs = 10_000;

/** Creates an empty store. `run` stands in its IDs, so that a job of a simulator that is no more is none of this one's. */
export function createJobStore(run: string): JobStore {
  const jobs = new Map<string, SimulatedJob>();
  let sequence = 0;
  return {
    add(given) {
      sequence += 1;
      const id = `video_sim_${run}${sequence.toString(36).padStart(6, "0")}`;
      const job: SimulatedJob = { ...given, id, createdAtMs: Date.now(), polls: 0 };
      jobs.set(id, job);
      for (const oldest of jobs.keys()) {
        if (jobs.size <= maxJobs) break;
        jobs.delete(oldest);
      }
      return job;
    },
    find: (id) => jobs.get(id),
    delete: (id) => void jobs.delete(id),
    list: () => [...jobs.values()],
  };
}

/** Where a job stands at a time: its behaviour and the clock alone decide. */
export function momentOf({ behaviour, createdAtMs }: SimulatedJob, nowMs: number): JobMoment {
  const { job, jobQueueMs, jobRunMs } = behaviour;
  const ranMs = nowMs - createdAtMs - jobQueueMs;
  if (ranMs < 0) return { state: "waiting", progressPercent: 0, endedAtMs: 0 };
  if (job === "stuck") return { state: "running", progressPercent: 50, endedAtMs: 0 };
  if (ranMs < jobRunMs) {
    return { state: "running", progressPercent: Math.floor((ranMs / jobRunMs) * 100), endedAtMs: 0 };
  }
  const endedAtMs = createdAtMs + jobQueueMs + jobRunMs;
  if (job === "fails") return { state: "failed", progressPercent: 100, endedAtMs };
  if (job === "filtered" || job === "forgotten") return { state: job, progressPercent: 100, endedAtMs };
  return { state: "done", progressPercent: 100, endedAtMs };
}

const blockBytes = 32;
/** Bytes of one piece of a result. */
export const pieceBytes = 16_384;

/** A result of a job, which follows from its ID and the variant. */
export interface JobResult {
  readonly length: number;
  /** A piece from an offset on. */
  piece(at: number): Uint8Array;
}

/** A result of a job: a video has 200 to 400 kB, another variant a tenth of it. */
export function resultOf(id: string, variant: string): JobResult {
  const seed = createHash("sha256").update(`${variant} of ${id}`).digest();
  const bytes = 200_000 + (seed.readUInt32LE(0) % 200_000);
  const length = variant === "video" ? bytes : Math.floor(bytes / 10);
  return {
    length,
    piece(at) {
      const to = Math.min(length, at + pieceBytes);
      const first = Math.floor(at / blockBytes);
      const blocks: Buffer[] = [];
      for (let block = first; block * blockBytes < to; block += 1) blocks.push(blockOf(seed, block));
      return Buffer.concat(blocks).subarray(at - first * blockBytes, to - first * blockBytes);
    },
  };
}

function blockOf(seed: Buffer, block: number): Buffer {
  const mixed = Buffer.from(seed);
  for (let at = 0; at < blockBytes; at += 4) {
    mixed.writeUInt32LE(Math.imul(mixed.readUInt32LE(at) ^ (block + 1), 0x9e3779b1) >>> 0, at);
  }
  return mixed;
}

/** All bytes of a result, for tests that compare digests. */
export function wholeResultOf(id: string, variant: string): Buffer {
  const { length, piece } = resultOf(id, variant);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < length; at += pieceBytes) pieces.push(piece(at));
  return Buffer.concat(pieces);
}
