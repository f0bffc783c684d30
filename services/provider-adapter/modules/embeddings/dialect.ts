import type { EmbeddingsRequest } from "./neutral.ts";
import type { Vector } from "./vector.ts";
import type { AnswerHead } from "./write-answer.ts";

/** A wire format of clients that ask for vectors. */
export interface EmbeddingsDialect {
  /** E.g. "openai.embeddings". */
  readonly name: string;
  /** Reads a body that the edge has checked. Throws invalid_value with the path of what cannot be asked. */
  read(body: Uint8Array): EmbeddingsRequest;
  /** Writes the answer. `body` is the client's. */
  write(vectors: readonly Vector[], head: AnswerHead, body: Uint8Array): Uint8Array;
}
