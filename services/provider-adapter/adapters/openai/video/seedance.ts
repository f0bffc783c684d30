import { errorIn } from "../../../domain/error-in-answer.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { ask, type JobMeaning, type Told, type VideoFigures, type VideoFormat } from "../../../modules/video/format.ts";
import { readSeconds, type VideoRequest } from "../../../modules/video/request.ts";
import { addressOf, callbackField, figuresOf, sameFields, sizeFor } from "../../../modules/video/vendor.ts";
import { asObject, asString, countOf, type JsonObject } from "../../../wire/json.ts";
import type { VideoPlace } from "./place.ts";
import { refusalOf } from "./refusal.ts";

const words: Readonly<Record<string, JobMeaning>> = {
  // The answer to a start has no word.
  "": "queueing",
  queued: "queueing",
  running: "processing",
  succeeded: "succeeded",
  failed: "failed",
  cancelled: "cancelled",
  expired: "expired",
};
const fields = ["seed", "generate_audio", "watermark", "camera_fixed", "return_last_frame"];
const usual = { seconds: 5, resolution: "1080p" };
const framesPerSecond = 24;
/** IDs of one question ("List video generation tasks": filter.task_ids, a page has 500 at most): its URL stays below 4 KiB. */
const mostTogether = 50;
const filteredBy = (id: string): [string, string] => ["filter.task_ids", id];

/** Seedance at Volcengine Ark and BytePlus ("Video generation API"). It is charged by tokens. */
export function seedanceVideo(flavour: OpenaiFlavour, { path }: VideoPlace): VideoFormat {
  const at = (id: string) => `${path}/${encodeURIComponent(id)}`;
  const tell = (answer: JsonObject, asked: "start" | "poll" | "cancel"): Told | undefined => {
    const id = asString(answer.id);
    const word = asString(answer.status) ?? (asked === "start" && id !== undefined ? "" : undefined);
    if (word === undefined) return undefined;
    const error = asObject(answer.error);
    return {
      id,
      word,
      failure: { code: asString(error?.code) ?? "", message: asString(error?.message) ?? "" },
      urls: { video: asString(asObject(answer.content)?.video_url) },
      figures: consumed(answer),
    };
  };
  return {
    words,
    filtered: /SensitiveContent|RiskDetection|PolicyViolation/i,
    start(request, model, note) {
      const { prompt, image, seconds, resolution, ratio } = request;
      const taken = sameFields(request.others, fields, note);
      const body = {
        ...taken,
        model,
        content: [
          ...(prompt === "" ? [] : [{ type: "text", text: prompt }]),
          ...(image === undefined
            ? []
            : [{ type: "image_url", image_url: { url: addressOf(image) }, role: "first_frame" }]),
        ],
        ...(seconds === undefined ? {} : { duration: seconds }),
        ...(resolution === "" ? {} : { resolution }),
        ...(ratio === "" ? {} : { ratio }),
        ...callbackField("callback_url", request),
      };
      return {
        message: { path, headers: {}, body: Buffer.from(JSON.stringify(body)) },
        figures: estimated(request, variantOf(taken)),
      };
    },
    refusal(answer) {
      const error = asString(answer.id) === undefined ? errorIn(answer) : undefined;
      return error === undefined ? undefined : refusalOf(flavour, error);
    },
    tell,
    poll: ({ id }) => ask("GET", at(id)),
    together: {
      most: mostTogether,
      poll: (ids) =>
        ask("GET", `${path}?${new URLSearchParams([["page_size", String(mostTogether)], ...ids.map(filteredBy)])}`),
      tell({ items }) {
        if (!Array.isArray(items)) return undefined;
        return items.flatMap((item) => tell(asObject(item) ?? {}, "poll") ?? []);
      },
    },
    cancel: ({ id }) => ask("DELETE", at(id)),
  };
}

/** Tokens are width x height x frames / 1,024 (Volcengine, "Billing of video generation"). */
function estimated(request: VideoRequest, variant: string | undefined): VideoFigures {
  const figures = figuresOf(request, usual);
  const size = request.size ?? sizeFor(figures.resolution ?? "", "") ?? sizeFor(usual.resolution, "");
  const { width, height } = size ?? { width: 0, height: 0 };
  const frames = (figures.seconds ?? usual.seconds) * framesPerSecond;
  return {
    ...figures,
    tokens: Math.ceil((width * height * frames) / 1_024),
    ...(variant === undefined ? {} : { variant }),
  };
}

function consumed(answer: JsonObject): VideoFigures | undefined {
  const tokens = countOf(asObject(answer.usage)?.completion_tokens);
  if (tokens === undefined) return undefined;
  const seconds = readSeconds(answer.duration);
  const resolution = asString(answer.resolution)?.toLowerCase();
  const variant = variantOf(answer);
  return {
    tokens,
    ...(seconds === undefined ? {} : { seconds }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(variant === undefined ? {} : { variant }),
  };
}

/** A video with sound costs more than one without. */
function variantOf({ generate_audio: audio }: JsonObject): string | undefined {
  return typeof audio === "boolean" ? (audio ? "audio" : "silent") : undefined;
}
