import type { AnswerFacts, Asked, StreamTranslation } from "../../domain/exchange.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";
import { createHeard } from "./heard.ts";
import { contentTypes, readSpeechUsage, type SpeechCounts, type SpeechRequest, speechUsage } from "./speech.ts";

/** Speech that an upstream sends as OpenAI's events: they go on as they come. */
export function createSpeechEvents(
  asked: Asked,
  request: SpeechRequest,
  streamError: (error: JsonObject) => Error,
): StreamTranslation {
  const heard = createHeard();
  const contentType = contentTypes[request.format] ?? "application/octet-stream";
  let counts: SpeechCounts = {};
  let chunks = 0;
  let done = false;

  function facts(): AnswerFacts {
    const usage = speechUsage(asked, request, counts, done ? heard.durationMs(contentType) : undefined);
    return { usage, finishReason: "", messageId: "", responseModel: "" };
  }

  return {
    event({ event, data }) {
      if (data === "" || data.startsWith("[DONE]")) return "";
      const said = asObject(parseJson(data));
      if (said === undefined) throw streamError({ message: "it sent an event that is not valid JSON" });
      const error = asObject(said.error);
      if (error !== undefined) throw streamError(error);
      if (said.type === "speech.audio.delta") {
        const audio = Buffer.from(asString(said.audio) ?? "", "base64");
        if (audio.length > 0) chunks += 1;
        heard.add(audio);
      } else if (said.type === "speech.audio.done") {
        done = true;
        counts = readSpeechUsage(asObject(said.usage) ?? {});
      }
      return `${event === undefined ? "" : `event: ${event}\n`}data: ${data}\n\n`;
    },
    hasContent: () => chunks > 0,
    end: () => "",
    isComplete: () => done,
    facts,
    document: () => ({
      body: asked.keepResponse ? heard.document(contentType) : new Uint8Array(),
      truncated: !done,
    }),
    contentChunks: () => chunks,
  };
}
