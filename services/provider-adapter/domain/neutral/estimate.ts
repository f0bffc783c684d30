import { estimateTextTokens } from "../../../../shared/estimate-tokens.ts";
import { asObject, type JsonObject, parseJson } from "../json.ts";

/** Tokens of one image: OpenAI's largest tiling (85 + 170 x 8 tiles), rounded up; its size is not known here. */
const imageTokens = 1_600;
/** Tokens of one audio or file part, whose length is not known here. */
const attachmentTokens = 2_000;
/** Tokens that frame one message. */
const messageTokens = 4;
/** Types of parts that hold data instead of text, in all client dialects. */
const mediaTypes: Readonly<Record<string, number>> = {
  image_url: imageTokens,
  image: imageTokens,
  input_image: imageTokens,
  input_audio: attachmentTokens,
  file: attachmentTokens,
  input_file: attachmentTokens,
  document: attachmentTokens,
};

/**
 * Input tokens of a client's body in any dialect, by the platform's estimate: all its texts, media at a flat rate, 4 a
 * message. Walks without recursion, because depth is the client's.
 */
export function estimateInputTokens(body: Uint8Array): number {
  const top: JsonObject = asObject(parseJson(Buffer.from(body).toString())) ?? {};
  let tokens = 0;
  const stack: unknown[] = [];
  for (const field of ["messages", "system", "tools", "functions", "input", "instructions", "prompt", "suffix"]) {
    const value = top[field];
    if (value === undefined || value === null) continue;
    if ((field === "messages" || field === "input") && Array.isArray(value)) tokens += messageTokens * value.length;
    stack.push(value);
  }
  while (stack.length > 0) {
    const next = stack.pop();
    if (typeof next === "string") tokens += estimateTextTokens(next);
    else if (Array.isArray(next)) for (const item of next) stack.push(item);
    else if (typeof next === "object" && next !== null) {
      const object = next as JsonObject;
      const media = typeof object.type === "string" ? mediaTypes[object.type] : undefined;
      if (media !== undefined && typeof object.text !== "string") {
        tokens += media;
        continue;
      }
      for (const [name, value] of Object.entries(object)) {
        if (name === "role" || name === "type" || name === "cache_control" || name === "signature") continue;
        tokens += 1 + (name.length >> 3);
        stack.push(value);
      }
    } else if (next !== null && next !== undefined) tokens += 1;
  }
  return tokens;
}
