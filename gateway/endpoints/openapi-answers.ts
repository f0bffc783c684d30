import Type, { type TSchema } from "typebox";
import { moduleNames } from "../../shared/modules.ts";

/*
 * What answers are, for the OpenAPI document. What vendors answer has more fields than are told here, and clients are to expect that: an
 * answer is told by what every one of its kind has.
 */

const text = Type.String();
const count = Type.Integer({ minimum: 0 });
const orNull = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
const unixS = count;
const ref = (name: string): TSchema => Type.Unsafe({ $ref: `#/components/schemas/${name}` });
const listOf = (name: string) =>
  Type.Object({
    object: Type.Literal("list"),
    data: Type.Array(ref(name)),
    first_id: orNull(text),
    last_id: orNull(text),
    has_more: Type.Boolean(),
  });
const deleted = (object: string) => Type.Object({ id: text, object: Type.Literal(object), deleted: Type.Boolean() });

const openaiUsage = Type.Object({ prompt_tokens: count, completion_tokens: count, total_tokens: count });
const statuses = Type.Enum(["pending", "queueing", "processing", "succeeded", "failed"]);
const jobError = Type.Object({ code: text, message: text });

/** The schemas that answers refer to, by their names. */
export const answerSchemas = {
  ChatCompletion: Type.Object({
    id: text,
    object: Type.Literal("chat.completion"),
    created: unixS,
    model: text,
    choices: Type.Array(
      Type.Object({
        index: count,
        finish_reason: orNull(text),
        message: Type.Object({ role: text, content: Type.Optional(orNull(text)) }),
      }),
    ),
    usage: Type.Optional(openaiUsage),
  }),
  Completion: Type.Object({
    id: text,
    object: Type.Literal("text_completion"),
    created: unixS,
    model: text,
    choices: Type.Array(Type.Object({ index: count, text, finish_reason: orNull(text) })),
    usage: Type.Optional(openaiUsage),
  }),
  Message: Type.Object({
    id: text,
    type: Type.Literal("message"),
    role: Type.Literal("assistant"),
    model: text,
    content: Type.Array(Type.Object({ type: text })),
    stop_reason: orNull(text),
    stop_sequence: orNull(text),
    usage: Type.Object({ input_tokens: count, output_tokens: count }),
  }),
  Response: Type.Object({
    id: text,
    object: Type.Literal("response"),
    created_at: unixS,
    status: text,
    model: text,
    output: Type.Array(Type.Object({ type: text })),
  }),
  Embeddings: Type.Object({
    object: Type.Literal("list"),
    model: text,
    data: Type.Array(
      Type.Object({
        object: Type.Literal("embedding"),
        index: count,
        // Numbers, or their bytes in base64 where the client asked for these.
        embedding: Type.Union([Type.Array(Type.Number()), text]),
      }),
    ),
    usage: Type.Object({ prompt_tokens: count, total_tokens: count }),
  }),
  Moderation: Type.Object({
    id: text,
    model: text,
    results: Type.Array(
      Type.Object({ flagged: Type.Boolean(), categories: Type.Object({}), category_scores: Type.Object({}) }),
    ),
  }),
  Ranking: Type.Object({
    id: text,
    results: Type.Array(Type.Object({ index: count, relevance_score: Type.Number() })),
  }),
  Images: Type.Object({
    created: unixS,
    data: Type.Array(Type.Object({ b64_json: Type.Optional(text), url: Type.Optional(text) })),
  }),
  TokenCount: Type.Object({ input_tokens: count }),
  Model: Type.Object({
    id: text,
    object: Type.Literal("model"),
    created: unixS,
    owned_by: text,
    module: Type.Enum([...moduleNames]),
    endpoints: Type.Array(text),
    shutdown_date: Type.Optional(text),
  }),
  ModelList: Type.Object({ object: Type.Literal("list"), data: Type.Array(ref("Model")) }),
  File: Type.Object({
    id: text,
    object: Type.Literal("file"),
    bytes: count,
    created_at: unixS,
    expires_at: orNull(unixS),
    filename: text,
    purpose: text,
    status: Type.Literal("processed"),
    status_details: Type.Null(),
  }),
  FileList: listOf("File"),
  DeletedFile: deleted("file"),
  Batch: Type.Object({
    id: text,
    object: Type.Literal("batch"),
    endpoint: text,
    model: orNull(text),
    errors: Type.Null(),
    input_file_id: text,
    completion_window: Type.Literal("24h"),
    status: Type.Enum([
      ...["validating", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"],
    ]),
    output_file_id: orNull(text),
    error_file_id: orNull(text),
    created_at: unixS,
    in_progress_at: orNull(unixS),
    expires_at: orNull(unixS),
    finalizing_at: orNull(unixS),
    completed_at: orNull(unixS),
    failed_at: Type.Null(),
    expired_at: orNull(unixS),
    cancelling_at: orNull(unixS),
    cancelled_at: orNull(unixS),
    request_counts: Type.Object({ total: count, completed: count, failed: count }),
    usage: Type.Object({
      input_tokens: count,
      input_tokens_details: Type.Object({ cached_tokens: count }),
      output_tokens: count,
      output_tokens_details: Type.Object({ reasoning_tokens: count }),
      total_tokens: count,
    }),
    metadata: orNull(Type.Record(Type.String(), Type.String())),
  }),
  BatchList: listOf("Batch"),
  MessageBatch: Type.Object({
    id: text,
    type: Type.Literal("message_batch"),
    processing_status: Type.Enum(["in_progress", "canceling", "ended"]),
    request_counts: Type.Object({
      ...{ processing: count, succeeded: count, errored: count, canceled: count, expired: count },
    }),
    ended_at: orNull(text),
    created_at: text,
    expires_at: text,
    archived_at: Type.Null(),
    cancel_initiated_at: orNull(text),
    results_url: orNull(text),
  }),
  MessageBatchList: Type.Object({
    data: Type.Array(ref("MessageBatch")),
    has_more: Type.Boolean(),
    first_id: orNull(text),
    last_id: orNull(text),
  }),
  DeletedMessageBatch: Type.Object({ id: text, type: Type.Literal("message_batch_deleted") }),
  Video: Type.Object({
    id: text,
    object: Type.Literal("video"),
    model: text,
    status: Type.Enum(["queued", "in_progress", "completed", "failed"]),
    progress: Type.Number({ minimum: 0, maximum: 100 }),
    created_at: unixS,
    completed_at: orNull(unixS),
    expires_at: orNull(unixS),
    seconds: orNull(text),
    size: orNull(text),
    prompt: orNull(text),
    remixed_from_video_id: orNull(text),
    error: orNull(jobError),
  }),
  VideoList: listOf("Video"),
  DeletedVideo: deleted("video.deleted"),
  Job: Type.Object({
    id: text,
    object: Type.Literal("job"),
    request_id: text,
    module: Type.Enum([...moduleNames]),
    dialect: text,
    model: text,
    status: statuses,
    progress: Type.Number({ minimum: 0, maximum: 100 }),
    cancel_requested: Type.Boolean(),
    channel: orNull(text),
    vendor_job_id: orNull(text),
    created_time: text,
    ended_time: orNull(text),
    expires_time: orNull(text),
    error: orNull(jobError),
    content: orNull(Type.Object({ url: text, type: Type.Optional(text), bytes: Type.Optional(count) })),
    result: Type.Optional(Type.Unknown()),
  }),
} as const satisfies Readonly<Record<string, TSchema>>;

/** Answers with 200, by method and path. What is not here is told as JSON of any kind. */
export const answersOf: Readonly<Record<string, keyof typeof answerSchemas>> = {
  "POST /v1/chat/completions": "ChatCompletion",
  "POST /v1/completions": "Completion",
  "POST /v1/messages": "Message",
  "POST /v1/messages/count_tokens": "TokenCount",
  "POST /v1/responses": "Response",
  "GET /v1/responses/{id}": "Response",
  "POST /v1/responses/{id}/cancel": "Response",
  "POST /v1/embeddings": "Embeddings",
  "POST /v1/moderations": "Moderation",
  "POST /v1/rerank": "Ranking",
  "POST /v2/rerank": "Ranking",
  "POST /rerank": "Ranking",
  "POST /v1/images/generations": "Images",
  "POST /v1/images/edits": "Images",
  "GET /v1/models": "ModelList",
  "GET /v1/models/{model}": "Model",
  "POST /v1/files": "File",
  "GET /v1/files": "FileList",
  "GET /v1/files/{id}": "File",
  "DELETE /v1/files/{id}": "DeletedFile",
  "POST /v1/batches": "Batch",
  "GET /v1/batches": "BatchList",
  "GET /v1/batches/{id}": "Batch",
  "POST /v1/batches/{id}/cancel": "Batch",
  "POST /v1/messages/batches": "MessageBatch",
  "GET /v1/messages/batches": "MessageBatchList",
  "GET /v1/messages/batches/{id}": "MessageBatch",
  "POST /v1/messages/batches/{id}/cancel": "MessageBatch",
  "DELETE /v1/messages/batches/{id}": "DeletedMessageBatch",
  "POST /v1/videos": "Video",
  "GET /v1/videos": "VideoList",
  "GET /v1/videos/{id}": "Video",
  "DELETE /v1/videos/{id}": "DeletedVideo",
  "POST /v1/videos/{id}/remix": "Video",
  "GET /v1/jobs/{id}": "Job",
  "POST /v1/jobs/{id}/cancel": "Job",
};
