import type Anthropic from "@anthropic-ai/sdk";
import type OpenAI from "openai";
import { expectTypeOf, test } from "vitest";
import type { ChatRequest } from "./contract/chat.ts";
import type { MessageRequest } from "./contract/messages.ts";
import type { EmbeddingsRequest, ModerationRequest, SpeechRequest } from "./contract/modules.ts";
import type { ResponseRequest } from "./contract/responses.ts";

/*
 * Who has a request in the words of the vendor's own package can send it as it is. Where a vendor knows more than one shape of a
 * thing (hosted tools, rarer parts) the common ones are here: the others are asserted, and the gateway takes them.
 */
test("the vendors' requests are requests of the client", () => {
  expectTypeOf<OpenAI.ChatCompletionUserMessageParam>().toExtend<ChatRequest["messages"][number]>();
  expectTypeOf<OpenAI.ChatCompletionSystemMessageParam>().toExtend<ChatRequest["messages"][number]>();
  expectTypeOf<OpenAI.ChatCompletionToolMessageParam>().toExtend<ChatRequest["messages"][number]>();
  expectTypeOf<OpenAI.ChatCompletionAssistantMessageParam>().toExtend<ChatRequest["messages"][number]>();
  expectTypeOf<OpenAI.ChatCompletionTool>().toExtend<NonNullable<ChatRequest["tools"]>[number]>();
  expectTypeOf<OpenAI.ChatCompletionToolChoiceOption>().toExtend<NonNullable<ChatRequest["tool_choice"]>>();
  expectTypeOf<
    Pick<
      OpenAI.ChatCompletionCreateParamsNonStreaming,
      keyof ChatRequest & keyof OpenAI.ChatCompletionCreateParamsNonStreaming
    >
  >().toExtend<ChatRequest>();
  expectTypeOf<Anthropic.Messages.MessageParam>().toExtend<MessageRequest["messages"][number]>();
  expectTypeOf<Omit<OpenAI.EmbeddingCreateParams, "never">>().toExtend<EmbeddingsRequest>();
  expectTypeOf<OpenAI.ModerationCreateParams>().toExtend<ModerationRequest>();
  expectTypeOf<Omit<OpenAI.Audio.SpeechCreateParams, "stream_format">>().toExtend<SpeechRequest>();
  expectTypeOf<OpenAI.Responses.EasyInputMessage>().toExtend<
    Exclude<NonNullable<ResponseRequest["input"]>, string>[number]
  >();
  expectTypeOf<OpenAI.Responses.FunctionTool>().toExtend<NonNullable<ResponseRequest["tools"]>[number]>();
});
