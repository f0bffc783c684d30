import type { Citation, Finish, RefusalReason } from "./answer.ts";
import type { Signature } from "./signature.ts";
import type { UsageCounts } from "./usage.ts";

/**
 * One step of a streamed answer. Of `choice` 0 where an upstream gives one answer. Calls are numbered by `call` from 0 in
 * the order in which they start, within their choice; pieces of several calls may interleave. A part ends where one of
 * another kind begins; a `signature` ends the thinking before it.
 */
export type NeutralEvent =
  /** The first of all. `upstreamId`: the upstream's name of the request where only the body says it. */
  | { readonly type: "start"; readonly model: string; readonly upstreamId?: string | undefined }
  /** `logprobs`: OpenAI's, of this piece. */
  | { readonly type: "text"; readonly choice: number; readonly text: string; readonly logprobs?: unknown }
  | { readonly type: "refusal"; readonly choice: number; readonly text: string }
  | { readonly type: "thinking"; readonly choice: number; readonly text: string }
  | { readonly type: "signature"; readonly choice: number; readonly signature: Signature }
  | { readonly type: "redacted_thinking"; readonly choice: number; readonly signature: Signature }
  | {
      readonly type: "tool_call";
      readonly choice: number;
      readonly call: number;
      readonly id: string;
      readonly name: string;
      readonly custom: boolean;
      readonly signature?: Signature | undefined;
    }
  | { readonly type: "tool_input"; readonly choice: number; readonly call: number; readonly text: string }
  /** Whole, base64. */
  | { readonly type: "image"; readonly choice: number; readonly mediaType: string; readonly data: string }
  | { readonly type: "citation"; readonly choice: number; readonly citation: Citation }
  /** OpenAI's `logprobs` of pieces that came without. */
  | { readonly type: "logprobs"; readonly choice: number; readonly value: unknown }
  | {
      readonly type: "finish";
      readonly choice: number;
      readonly reason: Finish;
      readonly stopSequence?: string | undefined;
      readonly refused?: RefusalReason | undefined;
    }
  /** Counted so far: adds to what was said before. May come anywhere. `partial`: the output has not come to its end yet. */
  | { readonly type: "usage"; readonly usage: UsageCounts; readonly partial?: boolean };

/** Takes the steps of an answer one by one. */
export type Emit = (event: NeutralEvent) => void;
