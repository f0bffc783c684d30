import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import type { DialectName } from "./matrix.ts";

/** A tool of a question. */
export interface Tool {
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What is asked, whatever the dialect. */
export interface Question {
  readonly model: string;
  readonly prompt: string;
  /** Data URL and address of images beside the prompt. */
  readonly images?: readonly string[];
  readonly tools?: readonly Tool[];
  /** JSON Schema that the answer must have. */
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly think?: boolean;
  /** The answer that came before, and what follows it: results of its calls by the call's ID, or what the user says. */
  readonly after?: {
    readonly heard: Heard;
    readonly results?: Readonly<Record<string, string>>;
    readonly said?: string;
  };
}

/** What an SDK made of an answer. */
export interface Heard {
  readonly id: string;
  readonly text: string;
  readonly thinking: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly input: unknown }[];
  readonly finish: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  /** The turn as the SDK holds it, to be sent back. */
  readonly turn: unknown;
}

/** An SDK as a client of the edge. */
export interface Speaker {
  /** What the IDs of answers begin with. */
  readonly idPrefix: string;
  /** Finish of an answer in text, and of one that calls tools. */
  readonly finishes: { readonly text: string; readonly tools: string };
  ask(question: Question, stream: boolean): Promise<Heard>;
}

/** The speakers of every dialect, for an edge. */
export function speakersOf(url: string, key: string): Readonly<Record<DialectName, Speaker>> {
  const openai = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0 });
  const anthropic = new Anthropic({ apiKey: key, baseURL: url, maxRetries: 0 });
  return {
    "openai.chat": chatSpeaker(openai),
    "anthropic.messages": messagesSpeaker(anthropic),
    "openai.responses": responsesSpeaker(openai),
    "openai.completions": completionsSpeaker(openai),
  };
}

function chatSpeaker(client: OpenAI): Speaker {
  return {
    idPrefix: "chatcmpl-",
    finishes: { text: "stop", tools: "tool_calls" },
    async ask({ model, prompt, images = [], tools = [], schema, think, after }, stream) {
      const image = (url: string) => ({ type: "image_url" as const, image_url: { url } });
      const content =
        images.length === 0 ? prompt : [{ type: "text" as const, text: prompt }, ...images.map((url) => image(url))];
      const messages: OpenAI.ChatCompletionMessageParam[] = [
        { role: "system", content: "Be brief." },
        { role: "user", content },
      ];
      if (after !== undefined) {
        messages.push(after.heard.turn as OpenAI.ChatCompletionMessageParam);
        for (const [id, result] of Object.entries(after.results ?? {})) {
          messages.push({ role: "tool", tool_call_id: id, content: result });
        }
        if (after.said !== undefined) messages.push({ role: "user", content: after.said });
      }
      const request: OpenAI.ChatCompletionCreateParamsNonStreaming = {
        model,
        messages,
        ...(tools.length === 0 ? {} : { tools: tools.map((tool) => ({ type: "function", function: { ...tool } })) }),
        ...(schema === undefined
          ? {}
          : { response_format: { type: "json_schema", json_schema: { name: "answer", schema, strict: true } } }),
        ...(think === true ? { reasoning_effort: "high" } : {}),
      };
      const answer: OpenAI.ChatCompletion = stream
        ? await client.chat.completions
            .stream({ ...request, stream: true, stream_options: { include_usage: true } })
            .finalChatCompletion()
        : await client.chat.completions.create(request);
      const [choice] = answer.choices;
      const message = choice?.message;
      return {
        id: answer.id,
        text: message?.content ?? "",
        // Pieces of a field that the SDK does not know replace one another in its stream helper.
        thinking: String(Reflect.get(message ?? {}, "reasoning_content") ?? ""),
        calls: (message?.tool_calls ?? []).flatMap((call) =>
          call.type === "function"
            ? [{ id: call.id, name: call.function.name, input: JSON.parse(call.function.arguments) as unknown }]
            : [],
        ),
        finish: choice?.finish_reason ?? "",
        inputTokens: answer.usage?.prompt_tokens ?? 0,
        outputTokens: answer.usage?.completion_tokens ?? 0,
        reasoningTokens: answer.usage?.completion_tokens_details?.reasoning_tokens ?? 0,
        turn: message,
      };
    },
  };
}

function messagesSpeaker(client: Anthropic): Speaker {
  return {
    idPrefix: "msg_",
    finishes: { text: "end_turn", tools: "tool_use" },
    async ask({ model, prompt, images = [], tools = [], schema, think, after }, stream) {
      const messages: Anthropic.MessageParam[] = [
        {
          role: "user",
          content: [
            { type: "text", text: prompt },
            ...images.map((url) => ({
              type: "image" as const,
              source: url.startsWith("data:")
                ? {
                    type: "base64" as const,
                    media_type: "image/png" as const,
                    data: url.slice(url.indexOf(",") + 1),
                  }
                : { type: "url" as const, url },
            })),
          ],
        },
      ];
      if (after !== undefined) {
        messages.push({ role: "assistant", content: after.heard.turn as Anthropic.ContentBlockParam[] });
        messages.push({
          role: "user",
          content: [
            ...Object.entries(after.results ?? {}).map(([id, content]) => ({
              type: "tool_result" as const,
              tool_use_id: id,
              content,
            })),
            ...(after.said === undefined ? [] : [{ type: "text" as const, text: after.said }]),
          ],
        });
      }
      const request: Anthropic.MessageCreateParamsNonStreaming = {
        model,
        max_tokens: 4_096,
        system: "Be brief.",
        messages,
        ...(tools.length === 0
          ? {}
          : {
              tools: tools.map(({ name, parameters }) => ({ name, input_schema: { type: "object", ...parameters } })),
            }),
        ...(schema === undefined ? {} : { output_config: { format: { type: "json_schema", schema } } }),
        ...(think === true ? { thinking: { type: "enabled", budget_tokens: 2_048 } } : {}),
      };
      const answer = stream
        ? await client.messages.stream(request).finalMessage()
        : await client.messages.create(request);
      return {
        id: answer.id,
        text: answer.content.map((block) => (block.type === "text" ? block.text : "")).join(""),
        thinking: answer.content.map((block) => (block.type === "thinking" ? block.thinking : "")).join(""),
        calls: answer.content.flatMap((block) =>
          block.type === "tool_use" ? [{ id: block.id, name: block.name, input: block.input }] : [],
        ),
        finish: answer.stop_reason ?? "",
        inputTokens: answer.usage.input_tokens,
        outputTokens: answer.usage.output_tokens,
        reasoningTokens: answer.usage.output_tokens_details?.thinking_tokens ?? 0,
        turn: answer.content,
      };
    },
  };
}

function responsesSpeaker(client: OpenAI): Speaker {
  return {
    idPrefix: "resp_",
    finishes: { text: "completed", tools: "completed" },
    async ask({ model, prompt, images = [], tools = [], schema, think, after }, stream) {
      const input: OpenAI.Responses.ResponseInputItem[] = [
        {
          role: "user",
          content: [
            { type: "input_text", text: prompt },
            ...images.map((url) => ({ type: "input_image" as const, image_url: url, detail: "auto" as const })),
          ],
        },
      ];
      if (after !== undefined) {
        input.push(...(after.heard.turn as OpenAI.Responses.ResponseInputItem[]));
        for (const [id, output] of Object.entries(after.results ?? {})) {
          input.push({ type: "function_call_output", call_id: id, output });
        }
        if (after.said !== undefined) input.push({ role: "user", content: after.said });
      }
      const request: OpenAI.Responses.ResponseCreateParamsNonStreaming = {
        model,
        input,
        instructions: "Be brief.",
        ...(tools.length === 0
          ? {}
          : {
              tools: tools.map(({ name, parameters }) => ({ type: "function", name, parameters, strict: false })),
            }),
        ...(schema === undefined
          ? {}
          : { text: { format: { type: "json_schema", name: "answer", schema, strict: true } } }),
        ...(think === true ? { reasoning: { effort: "high", summary: "auto" } } : {}),
      };
      const answer: OpenAI.Responses.Response = stream
        ? await client.responses.stream({ ...request, stream: true }).finalResponse()
        : await client.responses.create(request);
      return {
        id: answer.id,
        text: answer.output_text,
        thinking: answer.output
          .flatMap((item) => (item.type === "reasoning" ? item.summary.map(({ text }) => text) : []))
          .join(""),
        calls: answer.output.flatMap((item) =>
          item.type === "function_call"
            ? [{ id: item.call_id, name: item.name, input: JSON.parse(item.arguments) as unknown }]
            : [],
        ),
        finish: answer.status ?? "",
        inputTokens: answer.usage?.input_tokens ?? 0,
        outputTokens: answer.usage?.output_tokens ?? 0,
        reasoningTokens: answer.usage?.output_tokens_details?.reasoning_tokens ?? 0,
        turn: answer.output,
      };
    },
  };
}

function completionsSpeaker(client: OpenAI): Speaker {
  return {
    idPrefix: "cmpl-",
    finishes: { text: "stop", tools: "stop" },
    async ask({ model, prompt }, stream) {
      const answer = stream ? await gather(client, model, prompt) : await client.completions.create({ model, prompt });
      const [choice] = answer.choices;
      return {
        id: answer.id,
        text: choice?.text ?? "",
        thinking: "",
        calls: [],
        finish: choice?.finish_reason ?? "",
        inputTokens: answer.usage?.prompt_tokens ?? 0,
        outputTokens: answer.usage?.completion_tokens ?? 0,
        reasoningTokens: answer.usage?.completion_tokens_details?.reasoning_tokens ?? 0,
        turn: undefined,
      };
    },
  };
}

/** The SDK has no stream helper for completions: the chunks as one. */
async function gather(client: OpenAI, model: string, prompt: string): Promise<OpenAI.Completion> {
  const stream = await client.completions.create({
    model,
    prompt,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let finish = "" as OpenAI.CompletionChoice["finish_reason"];
  let last: OpenAI.Completion | undefined;
  for await (const chunk of stream) {
    last = chunk;
    text += chunk.choices[0]?.text ?? "";
    finish = chunk.choices[0]?.finish_reason ?? finish;
  }
  if (last === undefined) throw new Error("the stream was empty");
  return { ...last, choices: [{ text, index: 0, finish_reason: finish, logprobs: null }] };
}
