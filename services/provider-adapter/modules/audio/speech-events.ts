import { Unit } from "../../../../shared/units.ts";
import type { AnswerFacts, Asked, StreamTranslation } from "../../domain/exchange.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";
import { createHeard } from "./heard.ts";
import {
  contentTypeOf,
  noAudio,
  readSpeechUsage,
  type SpeechCounts,
  type SpeechRequest,
  speechUsage,
} from "./speech.ts";

/** A piece of audio as OpenAI's event. */
export function audioDelta(audio: Uint8Array): Buffer {
  const base64 = Buffer.from(audio.buffer, audio.byteOffset, audio.length).toString("base64");
  return Buffer.from(`data: {"type":"speech.audio.delta","audio":"${base64}"}\n\n`);
}

/** The end of a speech as OpenAI's event, with its usage in tokens where it has one. */
export function audioDone({ inputTokens, more }: AnswerFacts["usage"]): Buffer {
  return Buffer.from(`data: ${JSON.stringify({ type: "speech.audio.done", usage: usageOf(inputTokens, more) })}\n\n`);
}

function usageOf(inputTokens: bigint, more: AnswerFacts["usage"]["more"]) {
  const input_tokens = Number(inputTokens);
  const output_tokens = Number(more?.find(({ unit }) => unit === Unit.OUTPUT_AUDIO_TOKENS)?.amount ?? 0n);
  return { input_tokens, output_tokens, total_tokens: input_tokens + output_tokens };
}

/** Speech that an upstream sends as OpenAI's events: they go on as they come. */
export function createSpeechEvents(
  asked: Asked,
  request: SpeechRequest,
  streamError: (error: JsonObject) => Error,
): StreamTranslation {
  const heard = createHeard();
  const contentType = contentTypeOf(request.format);
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
        if (chunks === 0) throw noAudio();
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
