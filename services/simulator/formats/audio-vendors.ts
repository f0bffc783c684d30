import { deliverJson, deliverStream } from "../deliver.ts";
import { type Exchange, InvalidRequest, type Route } from "../exchange.ts";
import { failureOf } from "../failures.ts";
import { type Json, objectOf, stringOf } from "../json.ts";
import { type Heard, hear, type SimulatedForm, wordsOf } from "./audio.ts";
import { openaiFormat } from "./openai.ts";
import { elevenLabsFormat } from "./speech-vendors.ts";

/** Seconds that a transcription states where it is to lie. */
const lie = 1.9e14;

function heardIn({ behaviour }: Exchange, body: Json): { readonly form: SimulatedForm; readonly heard: Heard } {
  const { form } = body as { form?: SimulatedForm };
  const file = form?.files.get("file");
  if (form === undefined || file === undefined) throw new InvalidRequest("you must provide a file", "file");
  return { form, heard: hear(file, form, "transcribe", behaviour.empty === "content") };
}

/** POST /v1/speech-to-text: words with their times, and what stands between them. */
export const elevenLabsTranscription: Route = {
  format: elevenLabsFormat,
  readsBody: true,
  readsForm: true,
  answer(exchange, body) {
    const { behaviour, id } = exchange;
    const { form, heard } = heardIn(exchange, body);
    const speaker = form.texts.get("diarize")?.[0] === "true" ? { speaker_id: "speaker_0" } : {};
    const words = wordsOf(heard).flatMap(({ word, start, end }) => [
      { text: word, start, end, type: "word", ...speaker, logprob: 0 },
      { text: " ", start: end, end, type: "spacing", ...speaker, logprob: 0 },
    ]);
    const seconds = behaviour.lies ? lie : heard.seconds;
    const answer = {
      language_code: form.texts.get("language_code")?.[0] ?? "eng",
      language_probability: 1,
      text: heard.text,
      words,
      transcription_id: id,
      ...(behaviour.usage ? { audio_duration_secs: seconds } : {}),
    };
    deliverJson(exchange, elevenLabsFormat, JSON.stringify(answer));
  },
};

/** POST /mistral/v1/audio/transcriptions: no formats, times where they are asked for, events of its own. */
export const mistralTranscription: Route = {
  format: openaiFormat,
  readsBody: true,
  readsForm: true,
  answer(exchange, body) {
    const { behaviour, model } = exchange;
    const { form, heard } = heardIn(exchange, body);
    for (const field of ["response_format", "prompt", "include", "timestamp_granularities[]"]) {
      if (form.texts.has(field)) throw new InvalidRequest(`Extra inputs are not permitted: ${field}`, field);
    }
    const times = form.texts.get("timestamp_granularities")?.[0];
    if (times !== undefined && form.texts.has("language")) {
      throw new InvalidRequest("timestamp_granularities is not compatible with language", "language");
    }
    const speaker = form.texts.get("diarize")?.[0] === "true" ? { speaker_id: "speaker_1" } : {};
    const pieces =
      times === "word" ? wordsOf(heard).map(({ word, start, end }) => ({ text: word, start, end })) : heard.segments;
    const segments = times === undefined ? [] : pieces.map((piece) => ({ ...piece, ...speaker }));
    const seconds = behaviour.lies ? lie : Math.ceil(heard.seconds);
    const tokens = { prompt_tokens: 4, total_tokens: 404, completion_tokens: 400, num_cached_tokens: null };
    const counted = behaviour.usage ? { usage: { prompt_audio_seconds: seconds, ...tokens } } : {};
    const document = { model, text: heard.text, language: "en", segments, ...counted };
    if (form.texts.get("stream")?.[0] !== "true") {
      deliverJson(exchange, openaiFormat, JSON.stringify(document));
      return;
    }
    const frame = (event: { readonly type: string }) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
    const words = heard.text.match(/\s*\S+/g) ?? [];
    deliverStream(exchange, openaiFormat, {
      contentType: "text/event-stream",
      open: [frame({ type: "transcription.language", ...{ audio_language: "en" } })],
      tokens: words.map((text) => frame({ type: "transcription.text.delta", ...{ text } })),
      tokenCount: words.length,
      close: behaviour.done ? [frame({ type: "transcription.done", ...document })] : [],
      done: "",
      malformed: 'data: {"type":"transcription.text.del\n\n',
      error: `data: ${openaiFormat.errorBody(failureOf(500), "")}\n\n`,
    });
  },
};

/** POST /openrouter/v1/audio/transcriptions: a document with the file in base64; the usage has the cost. */
export const openrouterTranscription: Route = {
  format: openaiFormat,
  readsBody: true,
  answer(exchange, body) {
    const { behaviour } = exchange;
    const { data, format } = objectOf(body.input_audio);
    const file = Buffer.from(stringOf(data), "base64");
    if (file.length === 0) throw new InvalidRequest("input_audio.data is required", "input_audio");
    if (stringOf(format) === "") throw new InvalidRequest("input_audio.format is required", "input_audio");
    const form: SimulatedForm = { texts: new Map(), files: new Map([["file", file]]), parts: [] };
    const heard = hear(file, form, "transcribe", behaviour.empty === "content");
    const seconds = behaviour.lies ? lie : heard.seconds;
    const usage = { seconds, ...(behaviour.costNanoUsd > 0 ? { cost: behaviour.costNanoUsd / 1e9 } : {}) };
    deliverJson(exchange, openaiFormat, JSON.stringify({ text: heard.text, ...(behaviour.usage ? { usage } : {}) }));
  },
};
