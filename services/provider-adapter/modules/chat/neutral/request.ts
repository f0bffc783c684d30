import type { JsonObject } from "../../../wire/json.ts";
import type { Reasoning } from "./reasoning.ts";
import type { Signature } from "./signature.ts";

/*
 * The neutral representation of a request: what every client dialect is read into and every upstream format is written
 * from, so that N dialects and M formats need N + M pieces. It holds meaning, not spelling. Whatever an upstream cannot
 * express is refused by its writer with the client's own path (`at`, `paths`), or dropped and noted where the vendor's own
 * compatibility layer drops it.
 */

/** A place in the client's body, e.g. `messages[2].content[0]`. */
export interface Located {
  /** Path of the value in the client's body, as errors name it. */
  readonly at: string;
}

/** Prompt caching asked for at a place, in Anthropic's form (`{type: "ephemeral", ttl?}`); formats without it ignore it. */
export interface Cacheable {
  readonly cache?: JsonObject | undefined;
}

/** Where the bytes of an image or a file are. */
export type MediaSource =
  /** A remote address. */
  | { readonly kind: "url"; readonly url: string }
  /** Base64. */
  | { readonly kind: "data"; readonly mediaType: string; readonly data: string }
  /** An upload at the upstream: only its own format knows it. */
  | { readonly kind: "upload"; readonly id: string };

/** A piece of text. */
export interface TextPart extends Located, Cacheable {
  readonly type: "text";
  readonly text: string;
}

/** An image. */
export interface ImagePart extends Located, Cacheable {
  readonly type: "image";
  readonly source: MediaSource;
  /** How closely to look: "auto", "low", "high". */
  readonly detail?: string | undefined;
}

/** Sound, base64. */
export interface AudioPart extends Located {
  readonly type: "audio";
  readonly data: string;
  /** "wav", "mp3" ... */
  readonly format: string;
}

/** A film or a sound, where the client gives its address. */
export interface ClipPart extends Located {
  readonly type: "clip";
  readonly medium: "video" | "audio";
  readonly source: MediaSource;
}

/** A document: a PDF or a text. */
export interface FilePart extends Located, Cacheable {
  readonly type: "file";
  readonly source: MediaSource | { readonly kind: "text"; readonly text: string };
  readonly name?: string | undefined;
}

/** A tool call of an earlier turn of the assistant. */
export interface ToolCallPart extends Located, Cacheable {
  readonly type: "tool_call";
  readonly id: string;
  readonly name: string;
  /** JSON text of an object; for a custom tool its free text. */
  readonly input: string;
  readonly custom: boolean;
  /** What the upstream signed this call with (Gemini's thoughtSignature). */
  readonly signature?: Signature | undefined;
}

/** The result of a tool call. Stands in a message of the user. */
export interface ToolResultPart extends Located, Cacheable {
  readonly type: "tool_result";
  readonly callId: string;
  /** Name of the tool, found by the call's ID; empty: unknown. */
  readonly name: string;
  readonly content: readonly (TextPart | ImagePart | FilePart)[];
  readonly isError: boolean;
}

/** Thinking of an earlier turn. */
export interface ThinkingPart extends Located {
  readonly type: "thinking";
  readonly text: string;
  readonly signature?: Signature | undefined;
}

/** Thinking of an earlier turn that its upstream gave encrypted. */
export interface RedactedThinkingPart extends Located {
  readonly type: "redacted_thinking";
  readonly signature: Signature;
}

/** A part that only one wire format knows (a server tool's block, say): passed to that format, refused by others. */
export interface NativePart extends Located {
  readonly type: "native";
  /** Name of the wire format, e.g. "anthropic.messages". */
  readonly format: string;
  readonly value: JsonObject;
}

/** A part of a message. */
export type Part =
  | TextPart
  | ImagePart
  | AudioPart
  | ClipPart
  | FilePart
  | ToolCallPart
  | ToolResultPart
  | ThinkingPart
  | RedactedThinkingPart
  | NativePart;

/**
 * A turn. "system" stands where the client put it (also in the middle); tool results are parts of "user" turns. Two turns
 * of one role may follow each other: writers merge where their format wants that.
 */
export interface Message extends Located {
  readonly role: "system" | "user" | "assistant";
  readonly parts: readonly Part[];
  /** Name of the speaker, where the client gave one. */
  readonly name?: string | undefined;
}

/** A function that the model may call. */
export interface FunctionTool extends Located, Cacheable {
  readonly kind: "function";
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON Schema of the arguments; absent: none are taken. */
  readonly parameters?: JsonObject | undefined;
  readonly strict?: boolean | undefined;
}

/** A tool that takes free text. */
export interface CustomTool extends Located {
  readonly kind: "custom";
  readonly name: string;
  readonly description?: string | undefined;
  /** OpenAI's `format` of a custom tool. */
  readonly format?: JsonObject | undefined;
}

/** A tool that only one wire format knows. */
export interface NativeTool extends Located {
  readonly kind: "native";
  readonly format: string;
  /** What a choice of it would name: its name, where its format gives it one, else its type. */
  readonly name: string;
  readonly value: JsonObject;
}

/** A tool. */
export type Tool = FunctionTool | CustomTool | NativeTool;

/** What a choice of the search of the web names. */
export const searchName = "web_search";

/** Which tools must, may or may not be called. */
export type ToolChoice =
  | { readonly kind: "auto" | "none" | "required" }
  | { readonly kind: "named"; readonly name: string };

/** The shape that the answer's text must have. */
export type OutputShape =
  | { readonly kind: "json" }
  | {
      readonly kind: "schema";
      readonly schema: JsonObject;
      readonly name?: string | undefined;
      readonly description?: string | undefined;
      readonly strict?: boolean | undefined;
    };

/** Search of the web by the upstream. */
export interface WebSearch {
  readonly contextSize: "low" | "medium" | "high";
  /** `{type: "approximate", city?, country?, region?, timezone?}`: flat, as Anthropic and Responses have it. */
  readonly userLocation?: JsonObject | undefined;
  /** Most searches; absent: by the size. */
  readonly maxUses?: number | undefined;
  readonly allowedDomains?: readonly string[] | undefined;
  readonly blockedDomains?: readonly string[] | undefined;
}

/** Fields that a client dialect names in its own way. */
export type FieldName =
  | "messages"
  | "tools"
  | "toolChoice"
  | "parallelToolCalls"
  | "output"
  | "maxTokens"
  | "temperature"
  | "topP"
  | "topK"
  | "presencePenalty"
  | "frequencyPenalty"
  | "seed"
  | "stop"
  | "logitBias"
  | "logprobs"
  | "topLogprobs"
  | "choices"
  | "reasoning"
  | "webSearch"
  | "user"
  | "metadata"
  | "serviceTier"
  | "verbosity"
  | "modalities"
  | "audioOut"
  | "prediction"
  | "cacheKey"
  | "cache";

/** A request, whatever its dialect. An absent field was not given. */
export interface NeutralRequest {
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly toolChoice?: ToolChoice | undefined;
  readonly parallelToolCalls?: boolean | undefined;
  readonly output?: OutputShape | undefined;
  /** Output tokens, reasoning included. */
  readonly maxTokens?: number | undefined;
  /** 0 to 2. */
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly seed?: number | undefined;
  readonly stop: readonly string[];
  readonly logitBias?: JsonObject | undefined;
  readonly logprobs?: boolean | undefined;
  readonly topLogprobs?: number | undefined;
  /** Answers asked for; 1 as a rule. */
  readonly choices: number;
  readonly reasoning: Reasoning;
  readonly webSearch?: WebSearch | undefined;
  /** The end user, for the upstream's detection of abuse. */
  readonly user?: string | undefined;
  readonly metadata?: JsonObject | undefined;
  readonly serviceTier?: string | undefined;
  /** "low", "medium", "high". */
  readonly verbosity?: string | undefined;
  /** Lower case: "text", "image", "audio". Empty: not said. */
  readonly modalities: readonly string[];
  /** OpenAI's `audio` (format and voice of spoken answers). */
  readonly audioOut?: JsonObject | undefined;
  /** OpenAI's `prediction`. */
  readonly prediction?: JsonObject | undefined;
  readonly cacheKey?: string | undefined;
  /** Anthropic's top-level `cache_control`. */
  readonly cache?: JsonObject | undefined;
  /** Fields of `extra_body.google`: `image_config`, `cached_content`, `safety_settings` and the like, in snake case. */
  readonly google?: JsonObject | undefined;
  /** The client's names of the fields, for errors and notes. */
  readonly paths: Readonly<Partial<Record<FieldName, string>>>;
}

/** Whether the client holds the model to a search of the web: without one the answer is not what was asked for. */
export function insistsOnSearch({ toolChoice, tools }: NeutralRequest): boolean {
  const isAlone = tools.length === 0;
  if (toolChoice?.kind === "required") return isAlone;
  const names = toolChoice?.kind === "named" ? toolChoice.name : undefined;
  return names === searchName && !tools.some((tool) => "name" in tool && tool.name === searchName);
}

/** The client's name of a field. */
export function pathOf(request: NeutralRequest, field: FieldName): string {
  return request.paths[field] ?? field;
}
