import { deliverJson, deliverStream } from "../deliver.ts";
import { InvalidRequest, type Route } from "../exchange.ts";
import { countOf, stringOf } from "../json.ts";
import { openaiFormat } from "./openai.ts";

/** A PNG of one transparent pixel; what more is asked for follows its end, which readers pass over. */
const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);
const usualBytes = 2_000;
/** Tokens of an image by quality, as gpt-image-1 counts 1024x1024. */
const tokensOf: Readonly<Record<string, number>> = { low: 272, medium: 1_056, high: 4_160 };

/** POST /v1/images/generations: pictures of one pixel, as base64 or as addresses; as events with partial ones. */
export const imageGenerations: Route = {
  format: openaiFormat,
  readsBody: true,
  answer(exchange, body) {
    const { behaviour } = exchange;
    const prompt = stringOf(body.prompt);
    if (prompt === "") throw new InvalidRequest("'$.prompt' is invalid: it must not be empty.", "prompt");
    const n = countOf(body.n) || 1;
    const size = sizeOf(stringOf(body.size));
    const quality = tokensOf[stringOf(body.quality)] === undefined ? "high" : stringOf(body.quality);
    const created = Math.floor(Date.now() / 1_000);
    const image = Buffer.concat([pixel, Buffer.alloc(Math.max(usualBytes, behaviour.largeKb * 1_000), prompt)]);
    const inputTokens = Math.ceil(prompt.length / 4);
    const outputTokens = n * (tokensOf[quality] ?? 0);
    const usage = {
      input_tokens: inputTokens,
      output_tokens: outputTokens,
      total_tokens: inputTokens + outputTokens,
      input_tokens_details: { text_tokens: inputTokens, image_tokens: 0 },
      ...(behaviour.details ? { output_tokens_details: { image_tokens: outputTokens, text_tokens: 0 } } : {}),
    };
    const counted = behaviour.usage ? { usage } : {};
    const head = { created, size, quality, output_format: "png", background: "opaque" };
    const base64 = image.toString("base64");
    if (body.stream === true) {
      const partials = Array.from({ length: countOf(body.partial_images) ?? 0 }, (_, partial_image_index) =>
        eventOf("image_generation.partial_image", { partial_image_index, b64_json: base64, ...head }),
      );
      const { created: created_at, ...rest } = head;
      return deliverStream(exchange, openaiFormat, {
        contentType: "text/event-stream; charset=utf-8",
        open: [],
        tokens: partials,
        tokenCount: partials.length,
        close: [eventOf("image_generation.completed", { b64_json: base64, created_at, ...rest, ...counted })],
        done: "",
        malformed: 'data: {"type":"image_generation\n\n',
        error: `data: ${JSON.stringify({ error: { message: "The server had an error.", code: "server_error" } })}\n\n`,
      });
    }
    const url = `https://simulator.invalid/images/${encodeURIComponent(prompt.slice(0, 20))}.png`;
    const one = body.response_format === "url" ? { url } : { b64_json: base64 };
    const data = behaviour.empty === "content" ? [] : Array.from({ length: n }, () => one);
    return deliverJson(exchange, openaiFormat, JSON.stringify({ ...head, data, ...counted }));
  },
};

function sizeOf(size: string): string {
  return size === "" || size === "auto" ? "1024x1024" : size;
}

function eventOf(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}
