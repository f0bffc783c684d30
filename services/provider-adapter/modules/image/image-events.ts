import type { AnswerFacts, Asked, StreamTranslation } from "../../domain/exchange.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";
import { type ImageRequest, imageDocument, imageUsage } from "./images.ts";

/** Images that an upstream sends as OpenAI's events, partial ones before the whole: they go on as they come. */
export function createImageEvents(
  asked: Asked,
  request: ImageRequest,
  streamError: (error: JsonObject) => Error,
): StreamTranslation {
  const completed: JsonObject[] = [];
  let chunks = 0;

  function facts(): AnswerFacts {
    const last = completed.at(-1);
    const usage = imageUsage(asked, request, {
      // One that broke off after a partial image was begun, and costs.
      images: completed.length || (chunks > 0 ? 1 : 0),
      size: asString(last?.size) ?? request.size,
      quality: asString(last?.quality) ?? request.quality,
      usage: asObject(last?.usage),
    });
    return { usage, finishReason: "", messageId: "", responseModel: "" };
  }

  return {
    event({ event, data }) {
      if (data === "" || data.startsWith("[DONE]")) return "";
      const said = asObject(parseJson(data));
      if (said === undefined) throw streamError({ message: "it sent an event that is not valid JSON" });
      const error = asObject(said.error);
      if (error !== undefined) throw streamError(error);
      chunks += 1;
      if (asString(said.type)?.endsWith(".completed") === true) {
        const { usage, size, quality, output_format, created_at, b64_json } = said;
        completed.push({ usage, size, quality, output_format, created: created_at, b64_json });
      }
      return `${event === undefined ? "" : `event: ${event}\n`}data: ${data}\n\n`;
    },
    hasContent: () => chunks > 0,
    end: () => "",
    isComplete: () => completed.length > 0,
    facts,
    document() {
      const [first] = completed;
      if (!asked.keepResponse || first === undefined) return { body: new Uint8Array(), truncated: false };
      const { b64_json: _bytes, ...head } = first;
      const data = completed.map(({ b64_json }) => ({ b64_json }));
      return { body: imageDocument({ ...head, data }), truncated: false };
    },
    contentChunks: () => chunks,
  };
}
