import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { errorIn } from "../../domain/error-in-answer.ts";
import type { AnswerFacts, StreamTranslation } from "../../domain/exchange.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";
import type { TranscriptionFormat } from "./format.ts";
import { readTranscript } from "./openai-document.ts";
import type { TranscriptionRequest } from "./request.ts";
import type { Transcript } from "./transcript.ts";

/** Longest text that is kept of a stream for its record, in characters. */
const maxKeptLength = 1024 * 1024;

type SaidOf = Pick<Transcript, "usage" | "durationS" | "text">;

/** The stream of a transcript: events pass as they came, and are read for their text and usage. */
export function createTranscriptStream(
  format: TranscriptionFormat,
  request: TranscriptionRequest,
  usageOf: (said: SaidOf) => AnswerFacts["usage"],
  keeps: boolean,
): StreamTranslation {
  const deltas: string[] = [];
  let length = 0;
  let chunks = 0;
  let done: Transcript | undefined;

  function said(): SaidOf {
    return done ?? { usage: {}, durationS: undefined, text: deltas.join("") };
  }

  function failOn(json: JsonObject): void {
    const error = errorIn(json) ?? (json.type === "error" ? json : undefined);
    if (error !== undefined) throw format.inBandError(error);
  }

  function take(json: JsonObject): void {
    failOn(json);
    const delta = asString(json.delta) ?? (json.type === "transcript.text.segment" ? asString(json.text) : undefined);
    if (delta !== undefined) {
      chunks += 1;
      length += delta.length;
      if (length <= maxKeptLength) deltas.push(delta);
    }
    if (json.type === "transcript.text.done") done = readTranscript(json);
  }

  return {
    event({ event, data }) {
      if (data.startsWith("[DONE]")) return "";
      const json = asObject(parseJson(data));
      if (json === undefined) {
        throw new ThroughlineError("upstream_error", "The upstream sent an event that is no JSON.");
      }
      if (format.event === undefined) {
        take(json);
        return `${event === undefined ? "" : `event: ${event}\n`}data: ${data}\n\n`;
      }
      failOn(json);
      // A whole answer that is given as a stream has OpenAI's words already.
      const isOurs = asString(json.type)?.startsWith("transcript.") === true;
      const translated = isOurs ? json : format.event(json, request);
      if (translated === undefined) return "";
      take(translated);
      return `data: ${JSON.stringify(translated)}\n\n`;
    },
    hasContent: () => chunks > 0 || done !== undefined,
    isComplete: () => done !== undefined,
    end: () => "",
    facts: () => ({ usage: usageOf(said()), finishReason: "", messageId: "", responseModel: "" }),
    document() {
      if (!keeps) return { body: new Uint8Array(), truncated: false };
      const usage = done?.document.usage;
      const kept = { text: said().text.slice(0, maxKeptLength), ...(usage === undefined ? {} : { usage }) };
      return { body: Buffer.from(JSON.stringify(kept)), truncated: length > maxKeptLength };
    },
    contentChunks: () => chunks,
  };
}
