import { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { AnswerFacts, StreamTranslation } from "../../domain/exchange.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";
import type { TranscriptionFormat } from "./format.ts";
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

  function take(json: JsonObject): void {
    const error = asObject(json.error) ?? (json.type === "error" ? json : undefined);
    if (error !== undefined) throw format.inBandError(error);
    const delta = asString(json.delta) ?? (json.type === "transcript.text.segment" ? asString(json.text) : undefined);
    if (delta !== undefined) {
      chunks += 1;
      length += delta.length;
      if (length <= maxKeptLength) deltas.push(delta);
    }
    if (json.type === "transcript.text.done" || json.type === "transcription.done") {
      done = format.read(json, request);
    }
  }

  return {
    event({ event, data }) {
      if (data.startsWith("[DONE]")) return "";
      const json = asObject(parseJson(data));
      if (json === undefined) {
        throw new ThroughlineError("upstream_error", "The upstream sent an event that is no JSON.");
      }
      take(json);
      return `${event === undefined ? "" : `event: ${event}\n`}data: ${data}\n\n`;
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
