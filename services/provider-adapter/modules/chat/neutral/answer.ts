import type { Signature } from "./signature.ts";
import type { UsageCounts } from "./usage.ts";

/** Why an answer ended. */
export type Finish =
  | "stop"
  | "stop_sequence"
  | "length"
  | "tool_calls"
  /** Filtered for its content. */
  | "content_filter"
  /** The model declined. */
  | "refusal"
  /** The upstream paused a long turn; the client may send it back to go on. */
  | "pause"
  /** The context window is full. */
  | "context_window";

/** Why a model declined, or why its answer was filtered, as far as the upstream says. */
export interface RefusalReason {
  /** The upstream's own word for the kind, e.g. "cyber", "hate". */
  readonly category?: string | undefined;
  /** For a human to read. */
  readonly explanation?: string | undefined;
}

/** A part of an answer. */
export type AnswerPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "refusal"; readonly text: string }
  | { readonly type: "thinking"; readonly text: string; readonly signature?: Signature | undefined }
  | { readonly type: "redacted_thinking"; readonly signature: Signature }
  | {
      readonly type: "tool_call";
      readonly id: string;
      readonly name: string;
      /** JSON text; for a custom tool its free text. */
      readonly input: string;
      readonly custom: boolean;
      readonly signature?: Signature | undefined;
    }
  /** Base64. */
  | { readonly type: "image"; readonly mediaType: string; readonly data: string }
  /** Sources of the text before it. */
  | { readonly type: "citation"; readonly citation: Citation };

/** A source of a text. */
export interface Citation {
  readonly url: string;
  readonly title: string;
  /** Places in the whole text of the answer; absent: unknown. */
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  /** The passage that the source says. */
  readonly quote?: string | undefined;
}

/** One answer of those asked for. */
export interface Choice {
  readonly parts: readonly AnswerPart[];
  readonly finish: Finish | undefined;
  /** The sequence that stopped it. */
  readonly stopSequence?: string | undefined;
  /** Why it was refused, where the finish is a refusal or a filter. Absent: not said. */
  readonly refused?: RefusalReason | undefined;
  /** OpenAI's `logprobs`. */
  readonly logprobs?: unknown;
}

/** A whole answer. */
export interface NeutralAnswer {
  readonly choices: readonly Choice[];
  /** Absent: the upstream counted nothing. */
  readonly usage: UsageCounts | undefined;
  /** Model that the upstream says it used; empty: unknown. */
  readonly model: string;
  /** The upstream's name of the request where only the body says it. */
  readonly upstreamId?: string | undefined;
}
