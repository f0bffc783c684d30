import { vendorCostOf } from "../../domain/vendor-cost.ts";
import { asArray, asObject, asString, countOf, type JsonObject } from "../../wire/json.ts";
import type { Segment, SpokenUsage, Transcript } from "./transcript.ts";

/** Reads a transcript as OpenAI writes it, in JSON of any of its forms; undefined: it is none. */
export function readTranscript(json: JsonObject): Transcript | undefined {
  const text = asString(json.text);
  if (text === undefined) return undefined;
  return {
    text,
    segments: asArray(json.segments).flatMap(segmentOf),
    durationS: secondsOf(json.duration),
    usage: spokenUsageOf(asObject(json.usage)),
    document: json,
  };
}

function segmentOf(value: unknown): Segment[] {
  const segment = asObject(value) ?? {};
  const startS = secondsOf(segment.start);
  const endS = secondsOf(segment.end);
  const text = asString(segment.text);
  return startS === undefined || endS === undefined || text === undefined ? [] : [{ startS, endS, text }];
}

/** The usage of OpenAI, by tokens or by seconds. Mistral says both under the names of chat. */
export function spokenUsageOf(usage: JsonObject | undefined): SpokenUsage {
  if (usage === undefined) return {};
  const seconds = secondsOf(usage.seconds) ?? secondsOf(usage.prompt_audio_seconds);
  const input = countOf(usage.input_tokens) ?? countOf(usage.prompt_tokens);
  const output = countOf(usage.output_tokens) ?? countOf(usage.completion_tokens);
  const costNanoUsd = vendorCostOf(usage);
  if (input === undefined && output === undefined) return { seconds, costNanoUsd };
  const details = asObject(usage.input_token_details) ?? asObject(usage.input_tokens_details) ?? {};
  // Without details all of it is audio, but for what is said to be text.
  const text = Math.min(countOf(details.text_tokens) ?? 0, input ?? 0);
  const audio = Math.min(countOf(details.audio_tokens) ?? (input ?? 0) - text, input ?? 0);
  return { seconds, costNanoUsd, tokens: { text: (input ?? 0) - audio, audio, output: output ?? 0 } };
}

/** Some servers write numbers as text. */
export function secondsOf(value: unknown): number | undefined {
  const seconds = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}
