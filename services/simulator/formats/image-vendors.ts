import { deliverError, deliverJson } from "../deliver.ts";
import { type Exchange, InvalidRequest, type Route, type WireFormat } from "../exchange.ts";
import { failureOf, invalid } from "../failures.ts";
import { arrayOf, isObject, type Json, objectOf, stringOf } from "../json.ts";
import { openaiFormat } from "./openai.ts";
import { numberOf, picturesOf, qualityOf, sizeOf, usageOf } from "./pictures.ts";

/** A prompt, or a refusal. */
function promptOf(prompt: unknown): string {
  const text = stringOf(prompt);
  if (text === "") throw new InvalidRequest("prompt must not be empty", "prompt");
  return text;
}

/** Gives a document, or the refusal of what a model filters. */
function deliver(exchange: Exchange, format: WireFormat, document: Json): void {
  if (exchange.behaviour.filtered) {
    const refused = { ...invalid("the input may contain sensitive content", null), code: "DataInspectionFailed" };
    deliverError(exchange, format, refused);
    return;
  }
  deliverJson(exchange, format, JSON.stringify(document));
}

/** POST /v1/images: OpenRouter, which always gives data, and a usage like chat's with its cost. */
export const openrouterImages: Route = {
  format: openaiFormat,
  readsBody: true,
  answer(exchange, body) {
    const prompt = promptOf(body.prompt);
    const n = numberOf(body.n);
    const given = arrayOf(body.input_references).length;
    const { usage } = usageOf(exchange, { prompt, quality: qualityOf(body.quality), n, given }) as { usage?: Json };
    const { input_tokens, output_tokens, total_tokens } = usage ?? {};
    const { costNanoUsd } = exchange.behaviour;
    deliver(exchange, openaiFormat, {
      created: Math.floor(Date.now() / 1_000),
      data: picturesOf(exchange, prompt, n).map(({ base64 }) => ({ b64_json: base64, media_type: "image/png" })),
      ...(usage === undefined
        ? {}
        : {
            usage: {
              ...{ prompt_tokens: input_tokens, completion_tokens: output_tokens, total_tokens },
              completion_tokens_details: { image_tokens: output_tokens },
              ...(costNanoUsd === 0 ? {} : { cost: costNanoUsd / 1e9 }),
            },
          }),
    });
  },
};

/** Errors of DashScope's own format. */
const dashscopeFormat: WireFormat = {
  requestIdHeader: "x-request-id",
  errorBody: ({ code, message }, request_id) => JSON.stringify({ code, message, request_id }),
};

/** POST /api/v1/services/aigc/multimodal-generation/generation: DashScope's qwen-image and wan. */
export const dashscopeImages: Route = {
  format: dashscopeFormat,
  readsBody: true,
  answer(exchange, body) {
    const [message] = arrayOf(objectOf(body.input).messages).map(objectOf);
    const content = arrayOf(message?.content).map(objectOf);
    const prompt = promptOf(content.find(({ text }) => text !== undefined)?.text);
    const parameters = objectOf(body.parameters);
    // A request that says no number gets four images, as with wan.
    const n = parameters.n === undefined ? 4 : numberOf(parameters.n);
    const size = stringOf(parameters.size) || "1328*1328";
    if (!/^\d+\*\d+$/.test(size)) throw new InvalidRequest(`size ${size} is not supported`, "size");
    const [width, height] = size.split("*").map(Number);
    const pictures = picturesOf(exchange, prompt, n);
    const images = pictures.map(({ url }) => ({ image: url }));
    deliver(exchange, dashscopeFormat, {
      output: { choices: [{ finish_reason: "stop", message: { role: "assistant", content: images } }] },
      ...(exchange.behaviour.usage ? { usage: { image_count: pictures.length, width, height } } : {}),
      request_id: exchange.id,
    });
  },
};

/** POST /api/paas/v4/images/generations: Zhipu, one image a request. */
export const zhipuImages: Route = {
  format: openaiFormat,
  readsBody: true,
  answer(exchange, body) {
    if (body.n !== undefined) throw new InvalidRequest("n is not a parameter", "n");
    const [picture] = picturesOf(exchange, promptOf(body.prompt), 1);
    deliver(exchange, openaiFormat, {
      created: Math.floor(Date.now() / 1_000),
      data: picture === undefined ? [] : [{ url: picture.url }],
      content_filter: [{ role: "assistant", level: 3 }],
    });
  },
};

/** POST /siliconflow/v1/images/generations: SiliconFlow. */
export const siliconflowImages: Route = {
  format: openaiFormat,
  readsBody: true,
  answer(exchange, body) {
    const pictures = picturesOf(exchange, promptOf(body.prompt), numberOf(body.batch_size));
    const images = pictures.map(({ url }) => ({ url }));
    deliver(exchange, openaiFormat, { images, data: images, timings: { inference: 1.5 }, seed: 7 });
  },
};

/** POST /api/v3/images/generations: Volcengine's Seedream; of several images one may be an error. */
export const seedreamImages: Route = {
  format: openaiFormat,
  readsBody: true,
  answer(exchange, body) {
    const several = body.sequential_image_generation === "auto";
    const n = several ? numberOf(objectOf(body.sequential_image_generation_options).max_images) : 1;
    const pictures = picturesOf(exchange, promptOf(body.prompt), n);
    const size = sizeOf(body.size);
    deliver(exchange, openaiFormat, {
      model: exchange.model,
      created: Math.floor(Date.now() / 1_000),
      data: pictures.map(({ url, base64 }) => ({
        ...(body.response_format === "b64_json" ? { b64_json: base64 } : { url }),
        size,
      })),
      ...(exchange.behaviour.usage
        ? { usage: { generated_images: n, output_tokens: n * 16_280, total_tokens: n * 16_280 } }
        : {}),
    });
  },
};

/** MiniMax's codes, by the status that others would send. */
const minimaxCodes: Readonly<Record<number, number>> = { 400: 2013, 401: 1004, 402: 1008, 403: 1004, 429: 1002 };

/** Errors of MiniMax. */
const minimaxFormat: WireFormat = {
  requestIdHeader: "trace-id",
  errorBody: ({ status, code, message }, id) =>
    JSON.stringify({
      id,
      base_resp: {
        status_code: code === "DataInspectionFailed" ? 1026 : (minimaxCodes[status] ?? 1000),
        status_msg: message,
      },
    }),
};

/** POST /v1/image_generation: MiniMax, whose refusals have status 200. */
export const minimaxImages: Route = {
  format: minimaxFormat,
  readsBody: true,
  answer(exchange, body) {
    const pictures = picturesOf(exchange, promptOf(body.prompt), numberOf(body.n));
    if (exchange.behaviour.filtered) {
      const refused = { ...failureOf(400), code: "DataInspectionFailed", message: "input new_sensitive" };
      return deliverError(exchange, minimaxFormat, refused, 200);
    }
    const data =
      body.response_format === "base64"
        ? { image_base64: pictures.map(({ base64 }) => base64) }
        : { image_urls: pictures.map(({ url }) => url) };
    deliver(exchange, minimaxFormat, {
      id: exchange.id,
      data,
      metadata: { success_count: String(pictures.length), failed_count: "0" },
      base_resp: { status_code: 0, status_msg: "success" },
    });
  },
};

/** True: a request in Gemini's format asks for an image alone. */
export function asksForImage(generationConfig: Json): boolean {
  const modalities = arrayOf(generationConfig.responseModalities).map(stringOf);
  return modalities.length === 1 && modalities[0]?.toUpperCase() === "IMAGE";
}

/** The answer of Gemini's generateContent to one that does. */
export function geminiImages(exchange: Exchange, format: WireFormat, body: Json): void {
  const parts = arrayOf(objectOf(arrayOf(body.contents).at(-1)).parts).map(objectOf);
  const prompt = promptOf(parts.find(({ text }) => text !== undefined)?.text);
  const given = parts.filter(({ inlineData }) => isObject(inlineData)).length;
  const { filtered, details } = exchange.behaviour;
  const pictures = filtered ? [] : picturesOf(exchange, prompt, 1);
  const { usage } = usageOf(exchange, { prompt, quality: "low", n: 1, given }) as {
    usage?: { input_tokens: number; output_tokens: number; input_tokens_details: { image_tokens: number } };
  };
  const finishReason = filtered ? "IMAGE_SAFETY" : pictures.length === 0 ? "NO_IMAGE" : "STOP";
  const content = pictures.map(({ base64 }) => ({ inlineData: { mimeType: "image/png", data: base64 } }));
  deliverJson(
    exchange,
    format,
    JSON.stringify({
      candidates: [{ index: 0, content: { role: "model", parts: content }, finishReason }],
      ...(usage === undefined
        ? {}
        : {
            usageMetadata: {
              promptTokenCount: usage.input_tokens,
              candidatesTokenCount: usage.output_tokens,
              totalTokenCount: usage.input_tokens + usage.output_tokens,
              promptTokensDetails: [{ modality: "IMAGE", tokenCount: usage.input_tokens_details.image_tokens }],
              ...(details ? { candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: usage.output_tokens }] } : {}),
            },
          }),
      modelVersion: exchange.model,
      responseId: exchange.id,
    }),
  );
}
