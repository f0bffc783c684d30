/*
 * What chats may hold beside OpenAI's own, because vendors who speak its format document it. Whether a vendor takes it is
 * its flavour's to say.
 */

/**
 * Types of content in messages: vLLM's `audio_url` and `video_url` (also Qwen's, Moonshot's and Zhipu's), Qwen's `video` (a
 * list of frames), Zhipu's `file_url`, Mistral's `document_url` and `reference`.
 */
export const extraPartTypes = ["audio_url", "video_url", "video", "file_url", "document_url", "reference"] as const;

/** Types of tools: Moonshot's `builtin_function`; Zhipu's `web_search`, `retrieval` and `mcp`. */
export const extraToolTypes = ["builtin_function", "web_search", "retrieval", "mcp"] as const;

/** A type of content in messages beside OpenAI's own. */
export type ExtraPartType = (typeof extraPartTypes)[number];

/** A type of tool beside OpenAI's own. */
export type ExtraToolType = (typeof extraToolTypes)[number];
