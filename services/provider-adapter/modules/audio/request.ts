import { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { Asked, AskedForm, FormPart } from "../../domain/exchange.ts";

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
