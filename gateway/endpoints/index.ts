import { speech } from "./audio/speech.ts";
import { chatCompletions } from "./chat/chat-completions.ts";
import { completions } from "./chat/completions.ts";
import { messages } from "./chat/messages.ts";
import { responses } from "./chat/responses.ts";
import { embeddings } from "./embeddings/embeddings.ts";
import { batchEmbedContents, embedContent } from "./gemini/embed-content.ts";
import { generateContent, streamGenerateContent } from "./gemini/generate-content.ts";
import { imageGenerations } from "./images/generations.ts";
import { moderations } from "./moderation/moderations.ts";
import type { Endpoint } from "./paid-endpoint.ts";
import { rerank, rerankV1 } from "./rerank/rerank.ts";

/** Every endpoint that costs money: one row each. */
export const endpoints: readonly Endpoint[] = [
  chatCompletions,
  messages,
  responses,
  completions,
  embeddings,
  rerank,
  rerankV1,
  speech,
  imageGenerations,
  moderations,
  generateContent,
  streamGenerateContent,
  embedContent,
  batchEmbedContents,
];
