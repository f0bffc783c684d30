import type { BillableUsage } from "../../../../shared/money.ts";
import type { UpstreamMessage } from "../../domain/exchange.ts";
import type { LiftedJson } from "../../wire/lift-values.ts";
import type { Encoding, Vector } from "./vector.ts";

/** A text, or tokens of the model's own vocabulary. */
export type EmbeddingInput = string | readonly number[];

/** What a client asks for, whatever the upstream. */
export interface EmbeddingsRequest {
  /** At least one. */
  readonly inputs: readonly EmbeddingInput[];
  /** Length that the vectors must have. Absent: the model's own. */
  readonly dimensions: number | undefined;
  readonly encoding: Encoding;
}

/** What an upstream answers. */
export interface EmbeddingsAnswer {
  /** In the order of the inputs. */
  readonly vectors: readonly Vector[];
  /** Model that it says it used; empty: it does not say. */
  readonly model: string;
  /** What it counted; undefined: nothing. */
  readonly usage: BillableUsage | undefined;
}

/** An upstream's way to ask and to answer. */
export interface EmbeddingsFormat {
  /** Most inputs of one call. 0: no bound of its own. */
  readonly maxInputs: number;
  /** False: tokens as numbers cannot be sent. */
  readonly takesTokens: boolean;
  /** What to send. `body` is the client's, in OpenAI's shape. */
  write(request: EmbeddingsRequest, body: Uint8Array, note: (text: string) => void): UpstreamMessage;
  /** Reads an answer. Throws upstream_error when it is none. */
  read(answer: LiftedJson): EmbeddingsAnswer;
}
