import type { JobReport } from "../../../../shared/job-report.ts";
import { type Prices, rateOf } from "../../../../shared/money/prices.ts";
import { noUsage, type Quantity } from "../../../../shared/money/usage.ts";
import { traitForm, Unit } from "../../../../shared/units.ts";
import { cleanMessage } from "../../domain/clean-message.ts";
import type { AnswerFacts } from "../../domain/exchange.ts";
import { readLocator, writeLocator } from "../../domain/job-locator.ts";
import type { JobFailure, JobMeaning, Told, VideoFigures, VideoFormat } from "./format.ts";

/** Longest word of a vendor, longest message and longest text of a size in a report (shared/job-report.ts). */
const maxWordLength = 64;
const maxMessageLength = 1_024;
const maxSeconds = 86_400;

/** Message of a failure of which the vendor says nothing. */
const usualMessages: Readonly<Record<JobFailure, string>> = {
  upstream_error: "The upstream failed to make the video.",
  content_filtered: "The upstream's rules on content do not allow this video.",
  expired: "The upstream did not end the job in its time.",
  cancelled: "The job was cancelled.",
};

/** The meaning of a vendor's word; undefined: it is not known. */
export function meaningOf({ words }: VideoFormat, word: string): JobMeaning | undefined {
  const lower = word.toLowerCase();
  return Object.hasOwn(words, lower) ? words[lower] : undefined;
}

/** True: nothing more comes of the job. */
export function isOver(meaning: JobMeaning | undefined): boolean {
  return meaning !== undefined && meaning !== "queueing" && meaning !== "processing";
}

/** The report on a job of which its vendor said this. */
export function reportOf(
  format: VideoFormat,
  told: Told,
  job: { readonly id: string; readonly locator: string },
): JobReport {
  const meaning = meaningOf(format, told.word);
  const { figures, progressPercent = 0, expiresUnixS } = told;
  const base = {
    vendorJobId: job.id,
    word: told.word.slice(0, maxWordLength),
    progressPercent: Math.min(100, Math.max(0, progressPercent)),
    locator: job.locator,
    ...(format.pollFloorMs === undefined ? {} : { pollFloorMs: format.pollFloorMs }),
    ...(format.together === undefined ? {} : { pollTogether: format.together.most }),
    ...(figures?.seconds === undefined || figures.seconds > maxSeconds ? {} : { seconds: figures.seconds }),
    ...(figures?.size === undefined ? {} : { size: figures.size.slice(0, maxWordLength) }),
    ...(expiresUnixS === undefined || expiresUnixS < 0 ? {} : { expiresUnixMs: Math.round(expiresUnixS * 1_000) }),
  };
  switch (meaning) {
    case undefined:
      return { ...base, state: "unknown" };
    case "queueing":
    case "processing":
      return { ...base, state: meaning };
    case "succeeded":
      return { ...base, state: meaning, progressPercent: 100 };
    default:
      return { ...base, state: "failed", failure: failureOf(format, meaning, told) };
  }
}

function failureOf(
  { filtered }: VideoFormat,
  meaning: "failed" | "cancelled" | "expired" | "content_filtered",
  { failure }: Told,
): NonNullable<JobReport["failure"]> {
  const { code: said = "", message = "" } = failure ?? {};
  const byWords = filtered.test(said) || filtered.test(message) ? "content_filtered" : "upstream_error";
  const code = meaning === "failed" ? byWords : meaning;
  return { code, message: cleanMessage(message).slice(0, maxMessageLength) || usualMessages[code] };
}

/** The report on a job that its vendor knows no longer. */
export function forgottenReport(job: { readonly id: string; readonly locator: string }): JobReport {
  return { ...endedReport(job, "expired", "The upstream knows the job no longer."), forgotten: true };
}

/** The report on a job that was given up. */
export function cancelledReport(job: { readonly id: string; readonly locator: string }): JobReport {
  return endedReport(job, "cancelled", usualMessages.cancelled);
}

function endedReport(
  { id, locator }: { readonly id: string; readonly locator: string },
  code: JobFailure,
  message: string,
): JobReport {
  return { vendorJobId: id, state: "failed", word: "", progressPercent: 0, locator, failure: { code, message } };
}

/**
 * The usage of a video. Of its tokens and its length a price list prices one: the length is left out where the tokens are what
 * it goes by.
 */
export function videoUsage(
  figures: VideoFigures | undefined,
  prices: Prices | undefined,
  estimated: boolean,
): AnswerFacts["usage"] {
  if (figures === undefined) return { ...noUsage, estimated: false };
  const { seconds = 0, inputSeconds = 0, tokens = 0, nanoUsd = 0 } = figures;
  const traits = Object.fromEntries(
    Object.entries({ size: figures.size, resolution: figures.resolution, variant: figures.variant }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && traitForm.test(entry[1]),
    ),
  );
  const costs = (unit: Unit) => prices === undefined || rateOf(prices, unit, 0n, traits) > 0n;
  const byTokens = tokens > 0 && costs(Unit.OUTPUT_VIDEO_TOKENS);
  const more: Quantity[] = [
    { unit: Unit.OUTPUT_VIDEO_TOKENS, amount: BigInt(tokens) },
    { unit: Unit.INPUT_VIDEO_MS, amount: toMs(inputSeconds) },
    { unit: Unit.OUTPUT_VIDEO_MS, amount: byTokens && !costs(Unit.OUTPUT_VIDEO_MS) ? 0n : toMs(seconds) },
    { unit: Unit.VENDOR_NANO_USD, amount: BigInt(nanoUsd) },
  ].filter(({ amount }) => amount > 0n);
  return {
    ...noUsage,
    ...(more.length === 0 ? {} : { more }),
    ...(Object.keys(traits).length === 0 ? {} : { traits }),
    estimated: estimated && more.length > 0,
  };
}

function toMs(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1_000));
}

/** The report on a job that was asked after; what was noted of it goes on. @param told absent: its vendor does not know it. */
export function reportFor(
  format: VideoFormat,
  told: Told | undefined,
  { vendorJobId: id, locator }: { readonly vendorJobId: string; readonly locator: string },
): JobReport {
  if (told === undefined) return forgottenReport({ id, locator });
  const noted = readLocator(locator);
  return reportOf(format, told, { id, locator: writeLocator({ ...noted, urls: { ...known(told.urls) } }) });
}

/** The fields that have a value. */
export function known<T extends object>(fields: T | undefined): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields ?? {}).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]: Exclude<T[Name], undefined>;
  };
}
