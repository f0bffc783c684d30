import type { ThroughlineError } from "../../shared/errors/error.ts";
import type { BillableUsage } from "../../shared/money/usage.ts";

/** What a model can do, as configuration and routing name it: "tools", "vision", "dimensions" ... */
export type Capability = string;

/** How an answer is given: one JSON document at the end; events, or bytes, as they come; events as the entries of one list. */
export type AnswerKind = "json" | "events" | "bytes" | "list";

/** Whether an answer is asked of the upstream as a stream of events. */
export function isStream(kind: AnswerKind): boolean {
  return kind === "events" || kind === "list";
}

/** What routing must find in a model. */
export interface Needs {
  /** Input tokens by the platform's estimate, the only one of a request: the reservation goes by it too. */
  readonly inputTokens: number;
  /** Most output tokens of one answer that the client asked for. 0: not said, or none. */
  readonly maxOutputTokens: number;
  readonly capabilities: readonly Capability[];
}

/** What a route says of its model. */
export interface ModelLimits {
  /** Most input and output tokens together. 0: unknown. */
  readonly contextWindowTokens: bigint;
  /** Most output tokens of one answer. 0: unknown. */
  readonly maxOutputTokens: bigint;
}

/**
 * What one checked request asks of a module: all that the story must know of it. An endpoint makes it of a body; the story
 * serves every module alike.
 */
export interface Demand {
  /** Model name as the client wrote it. */
  readonly model: string;
  readonly answer: AnswerKind;
  /** True: the client asked for a chunk with the usage. */
  readonly includeUsage: boolean;
  readonly needs: Needs;
  /** Headers that belong to the dialect, lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the address of the request says that its body does not, e.g. the model; two that differ in it are not the same. Absent: nothing. */
  readonly addressed?: string;
  /** Client's key for prompt-cache affinity; empty: none. */
  readonly affinity: string;
  /** Milliseconds of audio in what it brings, by our own count. Absent: none. */
  readonly inputAudioMs?: number;
  /** The most that it may consume of such a model. */
  worst(limits: ModelLimits): BillableUsage;
  /** Why such a model cannot serve it, where that is certain before it is asked. */
  refuses(limits: ModelLimits): ThroughlineError | undefined;
}
