import type { JsonObject } from "../../wire/json.ts";

/** A part of a transcript with its times. */
export interface Segment {
  readonly startS: number;
  readonly endS: number;
  readonly text: string;
}

/** What an upstream says that a transcript costs. */
export interface SpokenUsage {
  /** Seconds of audio. */
  readonly seconds?: number | undefined;
  /** What the upstream says that it cost. */
  readonly costNanoUsd?: number | undefined;
  readonly tokens?:
    | {
        /** Tokens of text in the input: the prompt. */
        readonly text: number;
        readonly audio: number;
        readonly output: number;
      }
    | undefined;
}

/** A transcript, whoever made it. */
export interface Transcript {
  readonly text: string;
  readonly segments: readonly Segment[];
  /** Length of the audio by the upstream; undefined: it does not say. */
  readonly durationS: number | undefined;
  readonly usage: SpokenUsage;
  /** The JSON document that a client gets who asks for one. */
  readonly document: JsonObject;
}

/** A transcript as subtitles or text; undefined: the client wants the JSON document. */
export function rendered(transcript: Transcript, format: string, audioMs: number): string | undefined {
  return renderers[format]?.(transcript, audioMs);
}

/** The content type of what is rendered. */
export const textType = "text/plain; charset=utf-8";

const renderers: Readonly<Record<string, (transcript: Transcript, audioMs: number) => string>> = {
  text: ({ text }) => `${text}\n`,
  srt: (transcript, audioMs) =>
    cuesOf(transcript, audioMs)
      .map(({ startS, endS, text }, index) => `${index + 1}\n${clock(startS, ",")} --> ${clock(endS, ",")}\n${text}\n`)
      .join("\n"),
  vtt: (transcript, audioMs) =>
    [
      "WEBVTT\n",
      ...cuesOf(transcript, audioMs).map(({ startS, endS, text }) => {
        // An arrow would end the text of a cue.
        return `${clock(startS, ".")} --> ${clock(endS, ".")}\n${text.replaceAll("-->", "->")}\n`;
      }),
    ].join("\n"),
};

/** The segments as cues; of a transcript without any one cue for all of it. */
function cuesOf({ segments, text, durationS }: Transcript, audioMs: number): Segment[] {
  const whole = { startS: 0, endS: durationS ?? audioMs / 1_000, text };
  const given = segments.length > 0 ? segments : text.trim() === "" ? [] : [whole];
  // An empty line would end a cue.
  return given.map(({ startS, endS, text: line }) => ({
    startS: Math.max(0, startS),
    endS: Math.max(startS, endS, 0),
    text: line
      .split("\n")
      .map((part) => part.trim())
      .filter((part) => part !== "")
      .join("\n"),
  }));
}

/** Seconds as hours:minutes:seconds and milliseconds. */
function clock(seconds: number, mark: string): string {
  const ms = Math.round(seconds * 1_000);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const millis = String(ms % 1_000).padStart(3, "0");
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1_000) % 60)}${mark}${millis}`;
}
