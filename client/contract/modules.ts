/* What the other modules take and give: OpenAI's and Cohere's forms. */

/** A request for vectors of texts. */
export interface EmbeddingsRequest {
  /** Name of the model; `models.list` has those that the key may use. */
  model: string;
  /** A text, texts, tokens of a text, or those of several. */
  input: string | string[] | number[] | number[][];
  /** Length of the vectors, where the model can cut them. */
  dimensions?: number | null;
  encoding_format?: "float" | "base64" | null;
  user?: string | null;
}

/** Vectors of texts, in their order. */
export interface Embeddings {
  object: "list";
  model: string;
  /** `embedding` is a text where `encoding_format` was "base64". */
  data: { object: "embedding"; index: number; embedding: number[] | string }[];
  usage?: { prompt_tokens: number; total_tokens: number };
}

/** A request for the order of documents by what they have to say on a query. */
export interface RerankRequest {
  model: string;
  query: string;
  documents: (string | { [key: string]: unknown })[];
  /** How many of the best are given; all unless it is said. */
  top_n?: number | null;
  return_documents?: boolean | null;
  rank_fields?: string[] | null;
  max_tokens_per_doc?: number | null;
  max_chunks_per_doc?: number | null;
}

/** Documents by their place in the request, the best first. */
export interface Reranking {
  id?: string;
  results: { index: number; relevance_score: number; document?: { [key: string]: unknown } }[];
  meta?: { [key: string]: unknown };
}

/** A request for a judgement of texts and pictures. */
export interface ModerationRequest {
  model?: string | null;
  input: string | string[] | ({ type: "text"; text: string } | { type: "image_url"; image_url: { url: string } })[];
}

/** A judgement. */
export interface Moderation {
  id: string;
  model: string;
  results: {
    flagged: boolean;
    categories: { [category: string]: boolean };
    category_scores: { [category: string]: number };
    category_applied_input_types?: { [category: string]: ("text" | "image")[] };
  }[];
}

/** A request for pictures of a text. */
export interface ImageRequest {
  model: string;
  prompt: string;
  n?: number | null;
  /** E.g. "1024x1024"; "auto": the upstream's choice. */
  size?: string | null;
  quality?: "auto" | "low" | "medium" | "high" | "xhigh" | "max" | "standard" | "hd" | null;
  background?: "auto" | "transparent" | "opaque" | null;
  output_format?: "png" | "jpeg" | "webp" | "gif" | "svg" | null;
  output_compression?: number | null;
  response_format?: "url" | "b64_json" | null;
  moderation?: "auto" | "low" | null;
  style?: string | null;
  user?: string | null;
}

/** Pictures, as addresses or in base64. */
export interface Images {
  created: number;
  data: { url?: string | null; b64_json?: string | null; revised_prompt?: string | null }[];
  background?: string | null;
  output_format?: string | null;
  quality?: string | null;
  size?: string | null;
  usage?: { [key: string]: unknown } | null;
}

/** A request to speak a text. */
export interface SpeechRequest {
  model: string;
  input: string;
  voice: string | { id: string };
  instructions?: string | null;
  response_format?: "mp3" | "opus" | "aac" | "flac" | "wav" | "pcm" | null;
  speed?: number | null;
}

/** A spoken text. */
export interface Speech {
  /** The bytes, in base64. */
  audio: string;
  /** What they are, e.g. "audio/mpeg". */
  content_type: string;
}

/** A request for a video, which is made by a job. */
export interface VideoRequest {
  model: string;
  prompt: string;
  /** Length in seconds. */
  seconds?: string | number | null;
  /** E.g. "1280x720". */
  size?: string | null;
  /** Where the end of its job is told, beside the account's webhooks. */
  callback_url?: string | null;
  /** A picture to begin with: its address, or a data URL. */
  input_reference?: string | { image_url?: string | null; file_id?: string | null } | null;
  user?: string | null;
}

/** A video, made or in the making. Its bytes are at `GET /v1/videos/{id}/content`. */
export interface Video {
  id: string;
  object: "video";
  model: string;
  status: "queued" | "in_progress" | "completed" | "failed";
  /** Percent. */
  progress: number;
  /** Unix seconds. */
  created_at: number;
  completed_at: number | null;
  expires_at: number | null;
  seconds: string | null;
  size: string | null;
  prompt: string | null;
  remixed_from_video_id: string | null;
  error: { code: string; message: string } | null;
}
