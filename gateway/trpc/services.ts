import type { ChatCompletion, ChatCompletionChunk, ChatRequest } from "../../client/contract/chat.ts";
import type { Message, MessageRequest, MessageStreamEvent } from "../../client/contract/messages.ts";
import type {
  Embeddings,
  EmbeddingsRequest,
  ImageRequest,
  Images,
  Moderation,
  ModerationRequest,
  Reranking,
  RerankRequest,
  Speech,
  SpeechRequest,
} from "../../client/contract/modules.ts";
import type { ModelResponse, ResponseRequest, ResponseStreamEvent } from "../../client/contract/responses.ts";
import { speech as speechEndpoint } from "../endpoints/audio/speech.ts";
import { chatCompletions } from "../endpoints/chat/chat-completions.ts";
import { messages as messagesEndpoint } from "../endpoints/chat/messages.ts";
import { responses as responsesEndpoint } from "../endpoints/chat/responses.ts";
import { embeddings as embeddingsEndpoint } from "../endpoints/embeddings/embeddings.ts";
import { imageGenerations } from "../endpoints/images/generations.ts";
import { moderations as moderationsEndpoint } from "../endpoints/moderation/moderations.ts";
import { rerank as rerankEndpoint } from "../endpoints/rerank/rerank.ts";
import { streamed, whole } from "./paid.ts";
import { router } from "./procedures.ts";
import { workOf } from "./work.ts";

const chatWork = workOf(chatCompletions);
const messageWork = workOf(messagesEndpoint);
const responseWork = workOf(responsesEndpoint);

/** OpenAI's chat completions. */
export const chat = router({
  /** Answers a conversation. */
  create: whole<ChatRequest, ChatCompletion>(chatWork),
  /** Answers a conversation as it is written. The last chunk has the usage. */
  stream: streamed<ChatRequest, ChatCompletionChunk>(chatWork, {
    stream: true,
    stream_options: { include_usage: true },
  }),
});

/** Anthropic's messages. */
export const messages = router({
  /** Answers a conversation. */
  create: whole<MessageRequest, Message>(messageWork),
  /** Answers a conversation as it is written. */
  stream: streamed<MessageRequest, MessageStreamEvent>(messageWork),
});

/** OpenAI's responses. */
export const responses = router({
  /** Answers an input. */
  create: whole<ResponseRequest, ModelResponse>(responseWork),
  /** Answers an input as it is written. */
  stream: streamed<ResponseRequest, ResponseStreamEvent>(responseWork),
});

/** Vectors of texts. */
export const embeddings = router({
  /** Makes vectors of texts. */
  create: whole<EmbeddingsRequest, Embeddings>(workOf(embeddingsEndpoint)),
});

/** Orders of documents. */
export const rerank = router({
  /** Orders documents by what they have to say on a query, the best first. */
  create: whole<RerankRequest, Reranking>(workOf(rerankEndpoint)),
});

/** Judgements of texts and pictures. */
export const moderations = router({
  /** Judges texts and pictures. */
  create: whole<ModerationRequest, Moderation>(workOf(moderationsEndpoint)),
});

/** Pictures. */
export const images = router({
  /** Makes pictures of a text. */
  create: whole<ImageRequest, Images>(workOf(imageGenerations)),
});

/** Spoken texts. */
export const speech = router({
  /** Speaks a text. The bytes come whole, in base64; as they are made they come over HTTP. */
  create: whole<SpeechRequest, Speech>(workOf(speechEndpoint), (bytes, head) => ({
    audio: bytes.toString("base64"),
    content_type: head?.contentType || "application/octet-stream",
  })),
});
