import type { Life } from "./phases.ts";

/** A path and the smallest body of it, beside the model. */
type Shape = readonly [path: string, body: Readonly<Record<string, unknown>>];

const said = [{ role: "user", content: "..." }];

/** How the formats of requests are called. Forms and jobs have no body that a line could show. */
const shapes: Readonly<Record<string, Shape>> = {
  "openai.chat": ["/v1/chat/completions", { messages: said }],
  "openai.completions": ["/v1/completions", { prompt: "..." }],
  "openai.responses": ["/v1/responses", { input: "..." }],
  "anthropic.messages": ["/v1/messages", { max_tokens: 1024, messages: said }],
  "openai.embeddings": ["/v1/embeddings", { input: "..." }],
  "openai.moderations": ["/v1/moderations", { input: "..." }],
  "openai.images": ["/v1/images/generations", { prompt: "..." }],
  "openai.speech": ["/v1/audio/speech", { input: "...", voice: "alloy" }],
  "openai.videos": ["/v1/videos", { prompt: "..." }],
  "cohere.rerank": ["/v2/rerank", { query: "...", documents: ["..."] }],
  "jina.rerank": ["/v1/rerank", { query: "...", documents: ["..."] }],
};

/**
 * The call as a line for a shell. What the client said is not kept, so dots stand for it; the key is named, not shown. A format
 * that has no such line gets the one that asks for the record.
 */
export function curlOf(life: Pick<Life, "dialect" | "requested_model" | "stream" | "id">, origin: string): string {
  const shape = shapes[life.dialect];
  const key = `-H "Authorization: Bearer $THROUGHLINE_KEY"`;
  if (shape === undefined) return `curl ${quoted(`${origin}/v1/requests/${life.id}`)} ${key}`;
  const [path, rest] = shape;
  const body = { model: life.requested_model, ...rest, ...(life.stream ? { stream: true } : {}) };
  return [
    `curl ${quoted(origin + path)}`,
    key,
    `-H "Content-Type: application/json"`,
    `-d ${quoted(JSON.stringify(body))}`,
  ].join(" \\\n  ");
}

/** A text as one word of a POSIX shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
