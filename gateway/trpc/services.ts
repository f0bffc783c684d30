import type { ChatCompletion, ChatCompletionChunk, ChatRequest } from "../../client/contract/chat.ts";
import { chatCompletions } from "../endpoints/chat/chat-completions.ts";
import { streamed, whole } from "./paid.ts";
import { router } from "./procedures.ts";

/** OpenAI's chat completions. */
export const chat = router({
  /** Answers a conversation. */
  create: whole<ChatRequest, ChatCompletion>(chatCompletions),
  /** Answers a conversation as it is written. The last chunk has the usage. */
  stream: streamed<ChatRequest, ChatCompletionChunk>(chatCompletions, {
    stream: true,
    stream_options: { include_usage: true },
  }),
});
