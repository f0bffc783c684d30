import type { EmbeddingsDialect } from "./dialect.ts";
import { geminiEmbeddingsDialect } from "./gemini.ts";
import { readEmbeddingsRequest } from "./request.ts";
import { writeAnswer } from "./write-answer.ts";

/** Every wire format of clients of this module. */
export const dialects: readonly EmbeddingsDialect[] = [
  { name: "openai.embeddings", read: readEmbeddingsRequest, write: writeAnswer },
  geminiEmbeddingsDialect,
];
