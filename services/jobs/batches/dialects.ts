import { BatchApi } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";

/** Dialects of the endpoints that lines are written for: a line that was refused has no route that says it. */
const dialectOf: Readonly<Record<string, string>> = {
  "/v1/chat/completions": "openai.chat",
  "/v1/responses": "openai.responses",
  "/v1/completions": "openai.completions",
  "/v1/embeddings": "openai.embeddings",
  "/v1/moderations": "openai.moderations",
  "/v1/images/generations": "openai.images",
  "/v1/messages": "anthropic.messages",
};

/** Dialect of the lines of a batch. */
export function lineDialect(endpoint: string): string {
  return dialectOf[endpoint] ?? "";
}

/** Dialect of a batch itself, on its own record. */
export const batchDialects: Readonly<Record<BatchApi, string>> = {
  [BatchApi.UNSPECIFIED]: "",
  [BatchApi.OPENAI]: "openai.batches",
  [BatchApi.ANTHROPIC]: "anthropic.batches",
};
