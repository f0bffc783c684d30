import type { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { BillableUsage } from "../../../../shared/money/usage.ts";
import type { UpstreamMessage } from "../../domain/exchange.ts";
import type { JsonObject } from "../../wire/json.ts";
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
  /** The client's other fields; a vendor may know some. */
  readonly others: JsonObject;
  /** The client's body, in OpenAI's shape. */
  readonly body: Uint8Array;
}

/** What an upstream answers. */
export interface EmbeddingsAnswer {
  /** In the order of the inputs. */
  readonly vectors: readonly Vector[];
  /** Model that it says it used; empty: it does not say. */
  readonly model: string;
  /** What it counted; undefined: nothing. */
  readonly usage: BillableUsage | undefined;
  /** ID that the vendor gave it. Absent: none. */
  readonly id?: string | undefined;
}

/** Says what was dropped or changed, for the record. */
export type Note = (text: string) => void;

/** A wire format of upstreams that embed. */
export interface EmbeddingsFormat {
  /** Most inputs of one call. 0: no bound of its own. */
  readonly maxInputs: number;
  /** False: tokens as numbers cannot be sent. */
  readonly takesTokens: boolean;
  /** False: vectors that the vendor cut are not of length 1. */
  readonly normalises: boolean;
  /** Throws invalid_value with the path of what the vendor cannot do. */
  write(request: EmbeddingsRequest, upstreamModel: string, note: Note): UpstreamMessage;
  /** Reads an answer that is no error. Throws upstream_error when it is none. */
  read(answer: LiftedJson): EmbeddingsAnswer;
  /** The failure of an error object inside an answer with status 200. */
  inBandError(error: JsonObject): ThroughlineError;
}
