import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { ChatAnthropic } from "@langchain/anthropic";
import { type AIMessageChunk, HumanMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
// Those of the AI SDK before, which are stricter: they take no null for the sources of a text.
import { createAnthropic as createAnthropic3 } from "ai-sdk-anthropic-3";
import { createOpenAI as createOpenAI3 } from "ai-sdk-openai-3";
import OpenAI from "openai";

/*
 * Clients that check what they read: the AI SDK's providers parse every answer and every event by a published schema,
 * LangChain and the vendors' SDKs build their own objects of it. Each is given a `fetch` that answers as the platform does.
 */

/** What a client made of an answer. */
export interface Heard {
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly input: unknown }[];
}

/** A client of a dialect. */
export interface Reader {
  readonly name: string;
  readonly dialect: string;
  whole(fetch: typeof globalThis.fetch): Promise<Heard>;
  streamed(fetch: typeof globalThis.fetch): Promise<Heard>;
}

const model = "some-model";
const base = "http://127.0.0.1:9";
const baseURL = `${base}/v1`;
const apiKey = "k";
const prompt = [{ role: "user" as const, content: "x" }];

/** What the test needs of a model of the AI SDK, whatever the version of its interface. */
interface AiModel {
  doGenerate(options: object): PromiseLike<{ readonly content: readonly AiPart[] }>;
  doStream(options: object): PromiseLike<{ readonly stream: ReadableStream<AiPart> }>;
}
interface AiPart {
  readonly type: string;
  readonly text?: string;
  readonly delta?: string;
  readonly toolName?: string;
  readonly input?: string;
  readonly error?: unknown;
}

const aiPrompt = { prompt: [{ role: "user", content: [{ type: "text", text: "x" }] }] };

function aiReader(name: string, dialect: string, open: (fetch: typeof globalThis.fetch) => unknown): Reader {
  const callsOf = (parts: readonly AiPart[]) =>
    parts
      .filter(({ type }) => type === "tool-call")
      .map(({ toolName = "", input = "" }) => ({ name: toolName, input: JSON.parse(input) }));
  const modelOf = (fetch: typeof globalThis.fetch) => open(fetch) as AiModel;
  return {
    name,
    dialect,
    async whole(fetch) {
      const { content } = await modelOf(fetch).doGenerate(aiPrompt);
      const texts = content.filter(({ type }) => type === "text");
      return { text: texts.map(({ text = "" }) => text).join(""), calls: callsOf(content) };
    },
    async streamed(fetch) {
      const { stream } = await modelOf(fetch).doStream(aiPrompt);
      const parts: AiPart[] = [];
      for await (const part of stream) parts.push(part);
      for (const { type, error } of parts) if (type === "error") throw error;
      const texts = parts.filter(({ type }) => type === "text-delta");
      return { text: texts.map(({ delta = "" }) => delta).join(""), calls: callsOf(parts) };
    },
  };
}

function chainReader(
  name: string,
  dialect: string,
  open: (fetch: typeof globalThis.fetch) => ChatOpenAI | ChatAnthropic,
): Reader {
  const heard = (message: AIMessageChunk): Heard => {
    if ((message.invalid_tool_calls ?? []).length > 0) throw new Error("a call that cannot be read");
    return {
      text: message.text,
      calls: (message.tool_calls ?? []).map(({ name: called, args }) => ({ name: called, input: args })),
    };
  };
  return {
    name,
    dialect,
    whole: async (fetch) => heard(await open(fetch).invoke([new HumanMessage("x")])),
    async streamed(fetch) {
      let all: AIMessageChunk | undefined;
      for await (const chunk of await open(fetch).stream([new HumanMessage("x")])) {
        all = all === undefined ? chunk : all.concat(chunk);
      }
      if (all === undefined) throw new Error("nothing came");
      return heard(all);
    },
  };
}

const openai = (fetch: typeof globalThis.fetch) => new OpenAI({ baseURL, apiKey, maxRetries: 0, fetch });
const anthropic = (fetch: typeof globalThis.fetch) => new Anthropic({ baseURL: base, apiKey, maxRetries: 0, fetch });

function ofCompletion({ choices: [choice] }: OpenAI.ChatCompletion): Heard {
  const calls = (choice?.message.tool_calls ?? []).filter((call) => call.type === "function");
  return {
    text: choice?.message.content ?? "",
    calls: calls.map(({ function: { name, arguments: input } }) => ({ name, input: JSON.parse(input) })),
  };
}

function ofMessage({ content }: Anthropic.Message): Heard {
  return {
    text: content.map((block) => (block.type === "text" ? block.text : "")).join(""),
    calls: content.flatMap((block) => (block.type === "tool_use" ? [{ name: block.name, input: block.input }] : [])),
  };
}

function ofResponse({ output, output_text: text }: OpenAI.Responses.Response): Heard {
  return {
    text,
    calls: output.flatMap((item) =>
      item.type === "function_call" ? [{ name: item.name, input: JSON.parse(item.arguments) }] : [],
    ),
  };
}

/** Every client. */
export const readers: readonly Reader[] = [
  aiReader("@ai-sdk/openai, chat", "openai.chat", (fetch) => createOpenAI({ baseURL, apiKey, fetch }).chat(model)),
  aiReader("@ai-sdk/openai-compatible", "openai.chat", (fetch) =>
    createOpenAICompatible({ name: "house", baseURL, apiKey, fetch, includeUsage: true })(model),
  ),
  aiReader("@ai-sdk/openai, responses", "openai.responses", (fetch) =>
    createOpenAI({ baseURL, apiKey, fetch }).responses(model),
  ),
  aiReader("@ai-sdk/anthropic", "anthropic.messages", (fetch) => createAnthropic({ baseURL, apiKey, fetch })(model)),
  aiReader("@ai-sdk/openai 3, chat", "openai.chat", (fetch) => createOpenAI3({ baseURL, apiKey, fetch }).chat(model)),
  aiReader("@ai-sdk/openai 3, responses", "openai.responses", (fetch) =>
    createOpenAI3({ baseURL, apiKey, fetch }).responses(model),
  ),
  aiReader("@ai-sdk/anthropic 3", "anthropic.messages", (fetch) => createAnthropic3({ baseURL, apiKey, fetch })(model)),
  chainReader(
    "@langchain/openai, chat",
    "openai.chat",
    (fetch) => new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL, fetch } }),
  ),
  chainReader(
    "@langchain/openai, responses",
    "openai.responses",
    (fetch) =>
      new ChatOpenAI({ model, apiKey, maxRetries: 0, useResponsesApi: true, configuration: { baseURL, fetch } }),
  ),
  chainReader(
    "@langchain/anthropic",
    "anthropic.messages",
    (fetch) =>
      new ChatAnthropic({ model, apiKey, maxRetries: 0, maxTokens: 99, clientOptions: { baseURL: base, fetch } }),
  ),
  {
    name: "openai, chat",
    dialect: "openai.chat",
    whole: async (fetch) => ofCompletion(await openai(fetch).chat.completions.create({ model, messages: prompt })),
    streamed: async (fetch) =>
      ofCompletion(await openai(fetch).chat.completions.stream({ model, messages: prompt }).finalChatCompletion()),
  },
  {
    name: "openai, responses",
    dialect: "openai.responses",
    whole: async (fetch) => ofResponse(await openai(fetch).responses.create({ model, input: "x" })),
    streamed: async (fetch) => ofResponse(await openai(fetch).responses.stream({ model, input: "x" }).finalResponse()),
  },
  {
    name: "@anthropic-ai/sdk",
    dialect: "anthropic.messages",
    whole: async (fetch) =>
      ofMessage(await anthropic(fetch).messages.create({ model, max_tokens: 99, messages: prompt })),
    streamed: async (fetch) =>
      ofMessage(await anthropic(fetch).messages.stream({ model, max_tokens: 99, messages: prompt }).finalMessage()),
  },
];
