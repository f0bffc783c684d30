import { chatCompletions } from "../chat/chat-completions.ts";
import { completions } from "../chat/completions.ts";
import { responses } from "../chat/responses.ts";
import { embeddings } from "../embeddings/embeddings.ts";
import { imageGenerations } from "../images/generations.ts";
import { moderations } from "../moderation/moderations.ts";
import type { Endpoint } from "../paid-endpoint.ts";

/** Endpoints that the lines of OpenAI's batches may be written for, by their paths. */
export const batchEndpoints: ReadonlyMap<string, Endpoint> = new Map(
  [chatCompletions, responses, completions, embeddings, moderations, imageGenerations].flatMap((endpoint) =>
    endpoint.paths.slice(0, 1).map((path): [string, Endpoint] => [path, endpoint as Endpoint]),
  ),
);
