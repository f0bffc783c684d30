import { deliverJson, deliverStream } from "../deliver.ts";
import { type Exchange, InvalidRequest, type Route } from "../exchange.ts";
import { type Json, stringOf } from "../json.ts";
import { openaiFormat } from "./openai.ts";

/** What is read of a form: the texts of its fields by name (of lists all), and its files. */
export interface SimulatedForm {
  /** The files in their order, with what was said of them. */
  readonly parts: readonly { readonly name: string; readonly type: string; readonly bytes: Buffer }[];
  readonly texts: ReadonlyMap<string, readonly string[]>;
  readonly files: ReadonlyMap<string, Buffer>;
}

const plain = "text/plain; charset=utf-8";
const textFormats: Readonly<Record<string, (heard: Heard) => string>> = {
  text: ({ text }) => `${text}\n`,
  srt: ({ segments }) =>
    segments
      .map(({ start, end, text }, at) => `${at + 1}\n${clock(start, ",")} --> ${clock(end, ",")}\n${text}\n\n`)
      .join(""),
  vtt: ({ segments }) =>
    `WEBVTT\n\n${segments.map(({ start, end, text }) => `${clock(start, ".")} --> ${clock(end, ".")}\n${text}\n\n`).join("")}`,
};

/** What was "heard" in a file. */
export interface Heard {
  readonly seconds: number;
  readonly text: string;
  readonly segments: readonly { readonly start: number; readonly end: number; readonly text: string }[];
}

/** How sure the model was of a segment. */
const certainty = { temperature: 0, avg_logprob: -0.1, compression_ratio: 1, no_speech_prob: 0 };

/** POST /v1/audio/transcriptions: a text that names the size of the file; whisper-1 knows no streams, the others no text formats. */
export const transcriptions: Route = {
  format: openaiFormat,
  readsBody: true,
  readsForm: true,
  answer: (exchange, body) => answer(exchange, body, "transcribe"),
};

/** POST /v1/audio/translations. */
export const translations: Route = {
  ...transcriptions,
  answer: (exchange, body) => answer(exchange, body, "translate"),
};

function answer(exchange: Exchange, body: Json, task: string): void {
  const { form } = body as { form?: SimulatedForm };
  const file = form?.files.get("file");
  if (form === undefined || file === undefined) throw new InvalidRequest("you must provide a file", "file");
  const { behaviour, model } = exchange;
  const format = form.texts.get("response_format")?.[0] ?? "json";
  const heard = hear(file, form, task, behaviour.empty === "content");
  const seconds = behaviour.lies ? 1.9e14 : heard.seconds;
  const usage = behaviour.usage ? { usage: usageOf(model, seconds, heard) } : {};
  const text = textFormats[format];
  if (text !== undefined) {
    deliverJson(exchange, openaiFormat, text(heard), plain);
    return;
  }
  if (form.texts.get("stream")?.[0] === "true" && !isWhisper(model)) {
    stream(exchange, heard, usage);
    return;
  }
  const verbose = format === "verbose_json" || format === "diarized_json";
  const words = form.texts.get("timestamp_granularities[]")?.includes("word") === true;
  const document = verbose
    ? {
        task,
        language: task === "translate" ? "english" : (form.texts.get("language")?.[0] ?? "english"),
        ...(behaviour.usage || behaviour.lies ? { duration: seconds } : {}),
        text: heard.text,
        segments: heard.segments.map((segment, id) => ({ id, seek: 0, ...segment, tokens: [], ...certainty })),
        ...(words ? { words: wordsOf(heard) } : {}),
        ...usage,
      }
    : { text: heard.text, ...usage };
  deliverJson(exchange, openaiFormat, JSON.stringify(document));
}

function stream(exchange: Exchange, heard: Heard, usage: object): void {
  const pieces = heard.text.match(/\s*\S+/g) ?? [];
  const frame = (event: object) => `data: ${JSON.stringify(event)}\n\n`;
  deliverStream(exchange, openaiFormat, {
    contentType: "text/event-stream",
    open: [],
    tokens: pieces.map((delta) => frame({ type: "transcript.text.delta", delta })),
    tokenCount: pieces.length,
    close: [frame({ type: "transcript.text.done", text: heard.text, ...usage })],
    done: "",
    malformed: 'data: {"type":"transcript.text.del\n\n',
    error: frame({ type: "error", error: { type: "server_error", code: null, message: "Simulated failure." } }),
  });
}

/** What is heard in a file; nothing where it is to be silent. */
export function hear(file: Buffer, form: SimulatedForm, task: string, silent: boolean): Heard {
  const seconds = secondsOf(file);
  if (silent) return { seconds, text: "", segments: [] };
  const sentences = [
    `This ${task === "translate" ? "translation" : "transcript"} is simulated by Throughline's test upstream; no model was asked.`,
    `The file has ${file.length} bytes.`,
    ...(form.texts.get("prompt") ?? []).map((prompt) => `It was prompted: "${prompt.slice(0, 80)}".`),
  ];
  const each = seconds / sentences.length;
  const segments = sentences.map((text, at) => ({ start: round(at * each), end: round((at + 1) * each), text }));
  return { seconds, text: sentences.join(" "), segments };
}

/** Seconds of a WAV file, read from its head; other files count as 4,000 bytes a second. */
function secondsOf(file: Buffer): number {
  const isWav = file.length >= 44 && file.toString("latin1", 0, 4) === "RIFF";
  const rate = isWav ? file.readUInt32LE(28) : 4_000;
  return round((isWav ? file.length - 44 : file.length) / Math.max(1, rate));
}

function usageOf(model: string, seconds: number, { text }: Heard): object {
  if (isWhisper(model)) return { type: "duration", seconds: Math.ceil(seconds) };
  const audio = Math.max(1, Math.round(Math.min(seconds, 1e6) * 10));
  const output = Math.ceil(text.length / 4);
  return {
    type: "tokens",
    input_tokens: audio,
    output_tokens: output,
    total_tokens: audio + output,
    input_token_details: { text_tokens: 0, audio_tokens: audio },
  };
}

function isWhisper(model: string): boolean {
  return model.includes("whisper") || model.includes("audio-seconds");
}

/** The words with their times, spread evenly. */
export function wordsOf({
  text,
  seconds,
}: Heard): { readonly word: string; readonly start: number; readonly end: number }[] {
  if (text === "") return [];
  const words = text.split(" ");
  const each = seconds / words.length;
  return words.map((word, at) => ({ word, start: round(at * each), end: round((at + 1) * each) }));
}

function round(seconds: number): number {
  return Math.round(seconds * 1_000) / 1_000;
}

function clock(seconds: number, mark: string): string {
  const [whole = "", rest = "000"] = seconds.toFixed(3).split(".");
  const at = Number(whole);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return `${two(at / 3_600)}:${two((at / 60) % 60)}:${two(at % 60)}${mark}${rest}`;
}

/** The name of the first file of a form; empty: it has none. */
export function fileNameIn(body: Buffer): string {
  return /[ ;]filename="([^"]*)"/.exec(body.toString("latin1", 0, 4_096))?.[1] ?? "";
}

/** Takes a form apart: the simulator's own requests are small or come from our provider, which writes them well. */
export function parseForm(body: Buffer, contentType: string): Json {
  const boundary = /boundary="?([^";]+)/.exec(contentType)?.[1];
  if (boundary === undefined) throw new InvalidRequest("The request is no form.", null);
  const texts = new Map<string, string[]>();
  const files = new Map<string, Buffer>();
  const parts: { readonly name: string; readonly type: string; readonly bytes: Buffer }[] = [];
  const mark = Buffer.from(`--${boundary}`);
  let at = body.indexOf(mark);
  while (at !== -1) {
    const next = body.indexOf(mark, at + mark.length);
    const headEnd = body.indexOf("\r\n\r\n", at);
    if (next === -1 || headEnd === -1 || headEnd > next) break;
    const head = body.toString("utf8", at + mark.length, headEnd);
    const value = body.subarray(headEnd + 4, next - 2);
    const name = /[ ;]name="([^"]*)"/.exec(head)?.[1] ?? "";
    if (/[ ;]filename="/.test(head)) {
      files.set(name, value);
      parts.push({ name, type: /content-type: *([^\r\n;]+)/i.exec(head)?.[1] ?? "", bytes: value });
    } else texts.set(name, [...(texts.get(name) ?? []), value.toString()]);
    at = next;
  }
  const form: SimulatedForm = { texts, files, parts };
  return { model: stringOf(texts.get("model")?.[0] ?? texts.get("model_id")?.[0]), form };
}
