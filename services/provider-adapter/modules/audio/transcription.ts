import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { errorIn } from "../../domain/error-in-answer.ts";
import type { Asked, Exchange, UpstreamEvent } from "../../domain/exchange.ts";
import { createNotes } from "../../domain/notes.ts";
import { asObject, parseJson } from "../../wire/json.ts";
import type { TranscriptionFormat } from "./format.ts";
import { measure } from "./measure.ts";
import { fieldOf, readTranscriptionRequest, type TranscriptionRequest } from "./request.ts";
import { createTranscriptStream } from "./stream.ts";
import { rendered, type Transcript, textType } from "./transcript.ts";

/** Dialects of clients, all OpenAI's, and what they ask for. */
const tasks: Readonly<Record<string, TranscriptionRequest["task"]>> = {
  "openai.transcription": "transcribe",
  "openai.translation": "translate",
};

/** Whether a dialect asks for the text of what is said, where others of its module ask for sound. */
export function asksForText(dialect: string): boolean {
  return Object.hasOwn(tasks, dialect);
}

/** The exchanges between the client dialects and an upstream's format, for what the upstream does. */
export function transcriptionExchanges(
  formatOf: (upstreamModel: string) => TranscriptionFormat,
  does: readonly TranscriptionRequest["task"][] = ["transcribe", "translate"],
): Record<string, (asked: Asked) => Exchange> {
  return Object.fromEntries(
    Object.entries(tasks)
      .filter(([, task]) => does.includes(task))
      .map(([dialect, task]) => [dialect, (asked) => exchangeOf(asked, task, formatOf)]),
  );
}

function exchangeOf(
  asked: Asked,
  task: TranscriptionRequest["task"],
  formatOf: (upstreamModel: string) => TranscriptionFormat,
): Exchange {
  const { note, list } = createNotes();
  const format = formatOf(asked.upstreamModel);
  const request = readTranscriptionRequest(asked, task);
  const { form, file } = request;
  const usageOf = (transcript: Pick<Transcript, "usage" | "durationS" | "text">) =>
    measure(
      {
        said: transcript.usage,
        durationS: transcript.durationS,
        audioMs: form.inputAudioMs,
        fileBytes: file.length,
        prompt: fieldOf(form, "prompt") ?? "",
        text: transcript.text,
      },
      asked.prices,
    );
  const transcriptIn = (body: Buffer): Transcript => {
    const json = asObject(parseJson(body.toString()));
    if (json === undefined) throw noTranscript();
    const error = format.errorIn === undefined ? errorIn(json) : format.errorIn(json);
    if (error !== undefined) throw format.inBandError(error);
    const transcript = format.read(json, request);
    if (transcript === undefined) throw noTranscript();
    return transcript;
  };
  const message = format.write(request, asked.upstreamModel, note);
  return {
    message,
    notes: list(),
    whole(body) {
      const transcript = transcriptIn(body);
      const document = Buffer.from(JSON.stringify(transcript.document));
      const text = rendered(transcript, request.format, form.inputAudioMs);
      return {
        body: text === undefined ? document : Buffer.from(text),
        ...(text === undefined ? {} : { contentType: textType }),
        document,
        usage: usageOf(transcript),
        finishReason: "",
        messageId: "",
        responseModel: "",
      };
    },
    stream: () => createTranscriptStream(format, request, usageOf, asked.keepResponse),
    // Models that know no streams answer whole (whisper-1).
    events: (body) => eventsOf(transcriptIn(body)),
  };
}

/** A whole transcript as the stream that the client asked for. */
function eventsOf({ text, document }: Transcript): UpstreamEvent[] {
  const usage = document.usage === undefined ? {} : { usage: document.usage };
  const events = [
    { type: "transcript.text.delta", delta: text },
    { type: "transcript.text.done", text, ...usage },
  ];
  return events.map((event) => ({ data: JSON.stringify(event) }));
}

function noTranscript(): ThroughlineError {
  return new ThroughlineError("upstream_error", "The upstream's answer is no transcription.");
}
