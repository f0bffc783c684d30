import { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { Asked, AskedForm, FormPart } from "../../domain/exchange.ts";
import { nameOf } from "../../domain/notes.ts";

/** A transcription or translation as it was asked for. */
export interface TranscriptionRequest {
  readonly task: "transcribe" | "translate";
  readonly form: AskedForm;
  readonly file: NonNullable<FormPart["file"]>;
  /** What the client gets: "json", "text", "srt", "verbose_json", "vtt", "diarized_json". */
  readonly format: string;
  readonly stream: boolean;
}

/** Reads the form of a request; the gateway has checked it. */
export function readTranscriptionRequest(
  { form, stream }: Asked,
  task: TranscriptionRequest["task"],
): TranscriptionRequest {
  const file = form?.parts.find((part) => part.file !== undefined)?.file;
  if (form === undefined || file === undefined) {
    throw new ThroughlineError("missing_required_field", "file is required.", { param: "file" });
  }
  return { task, form, file, format: fieldOf(form, "response_format") ?? "json", stream };
}

/** The value of a field; undefined: it was not sent. */
export function fieldOf(form: AskedForm, name: string): string | undefined {
  return form.parts.find((part) => part.name === name && part.file === undefined)?.value;
}

/** The values of a list, which is sent as `name[]` or as `name` several times. */
export function listOf(form: AskedForm, name: string): readonly string[] {
  const parts = form.parts.filter(
    (part) => part.file === undefined && (part.name === name || part.name === `${name}[]`),
  );
  return parts.map(({ value }) => value);
}

/** The field that a part belongs to: `timestamp_granularities[]` to `timestamp_granularities`. */
export function baseName(name: string): string {
  return name.replace(/\[.*$/s, "");
}

/** Formats that are made of times. */
const timed: ReadonlySet<string> = new Set(["srt", "vtt", "verbose_json", "diarized_json"]);

/** True: what the client wants is made of the times of what was said. */
export function needsTimes({ format }: TranscriptionRequest): boolean {
  return timed.has(format);
}

/** Notes the fields of a form that a vendor does not know. */
export function noteUnknownParts(
  { form }: TranscriptionRequest,
  known: ReadonlySet<string>,
  note: (text: string) => void,
): void {
  for (const { name, file } of form.parts) {
    const base = baseName(name);
    if (file === undefined && !known.has(base))
      note(`${nameOf(base)} dropped: the upstream's format has no such field`);
  }
}

/** Throws where a translation is asked of a vendor that only transcribes. */
export function onlyTranscribes({ task }: TranscriptionRequest): void {
  if (task === "transcribe") return;
  throw new ThroughlineError("invalid_value", "This model does not translate.", { param: "model" });
}
