import { deliverError, deliverJson, deliverStream } from "../deliver.ts";
import { type Exchange, InvalidRequest, type Route } from "../exchange.ts";
import { invalid } from "../failures.ts";
import { countOf, stringOf } from "../json.ts";
import type { SimulatedForm } from "./audio.ts";
import { openaiFormat } from "./openai.ts";
import { numberOf, picturesOf, qualityOf, sizeOf, usageOf } from "./pictures.ts";

/** What both endpoints are asked. */
interface AskedImages {
  readonly events: "image_generation" | "image_edit";
  readonly prompt: string;
  readonly n: number;
  readonly size: string;
  readonly quality: string;
  readonly urls: boolean;
  readonly stream: boolean;
  readonly partials: number;
  /** Images that were given. */
  readonly given: number;
}

/** POST /v1/images/generations: pictures of one pixel, as base64 or as addresses; as events with partial ones. */
export const imageGenerations: Route = {
  format: openaiFormat,
  readsBody: true,
  answer(exchange, body) {
    answer(exchange, {
      events: "image_generation",
      prompt: promptOf(body.prompt),
      n: numberOf(body.n),
      size: sizeOf(body.size),
      quality: qualityOf(body.quality),
      urls: body.response_format === "url",
      stream: body.stream === true,
      partials: countOf(body.partial_images) ?? 0,
      given: 0,
    });
  },
};

/** POST /v1/images/edits: the same of a form. */
export const imageEdits: Route = {
  format: openaiFormat,
  readsBody: true,
  readsForm: true,
  answer(exchange, body) {
    const { form } = body as { form?: SimulatedForm };
    const text = (name: string) => form?.texts.get(name)?.[0];
    const given = (form?.parts ?? []).filter(({ name }) => name === "image" || name === "image[]");
    if (given.length === 0) throw new InvalidRequest("you must provide an image", "image");
    const wrong = given.find(({ type }) => !type.startsWith("image/"));
    if (wrong !== undefined) throw new InvalidRequest(`unsupported mimetype ('${wrong.type}')`, "image");
    answer(exchange, {
      events: "image_edit",
      prompt: promptOf(text("prompt")),
      n: numberOf(Number(text("n") ?? 1)),
      size: sizeOf(text("size")),
      quality: qualityOf(text("quality")),
      urls: text("response_format") === "url",
      stream: text("stream") === "true",
      partials: Number(text("partial_images") ?? 0),
      given: given.length,
    });
  },
};

function promptOf(prompt: unknown): string {
  const text = stringOf(prompt);
  if (text === "") throw new InvalidRequest("'$.prompt' is invalid: it must not be empty.", "prompt");
  return text;
}

function answer(exchange: Exchange, asked: AskedImages): void {
  const { behaviour } = exchange;
  if (behaviour.filtered) {
    const refused = invalid("Your request was rejected by the safety system.", null);
    deliverError(exchange, openaiFormat, { ...refused, code: "moderation_blocked" });
    return;
  }
  const pictures = picturesOf(exchange, asked.prompt, asked.n);
  const head = {
    created: Math.floor(Date.now() / 1_000),
    size: asked.size,
    quality: asked.quality,
    output_format: "png",
    background: "opaque",
  };
  if (asked.stream) {
    const base64s = pictures.map(({ base64 }) => base64);
    stream(exchange, asked, base64s, head);
    return;
  }
  const urls = asked.urls || behaviour.addresses;
  const data = pictures.map(({ base64, url }) => (urls ? { url } : { b64_json: base64 }));
  deliverJson(exchange, openaiFormat, JSON.stringify({ ...head, data, ...usageOf(exchange, asked) }));
}

/** Each image with the usage of its own; partial ones of the first before them. */
function stream(
  exchange: Exchange,
  asked: AskedImages,
  base64s: readonly string[],
  { created, ...head }: { readonly created: number },
): void {
  const { behaviour } = exchange;
  const partials = behaviour.partials < 0 ? asked.partials : behaviour.partials;
  const frame = (name: string, fields: object) => {
    const type = `${asked.events}.${name}`;
    return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields, created_at: created, ...head })}\n\n`;
  };
  const usage = usageOf(exchange, { ...asked, n: 1 });
  const tokens = [
    ...Array.from({ length: partials }, (_, partial_image_index) =>
      frame("partial_image", { partial_image_index, b64_json: base64s[0] }),
    ),
    ...base64s.map((b64_json) => frame("completed", { b64_json, ...usage })),
  ];
  deliverStream(exchange, openaiFormat, {
    contentType: "text/event-stream; charset=utf-8",
    open: [],
    tokens,
    tokenCount: tokens.length,
    close: [],
    done: "",
    malformed: 'data: {"type":"image_generation\n\n',
    error: `data: ${JSON.stringify({ type: "error", error: { message: "The server had an error.", code: "server_error" } })}\n\n`,
  });
}
