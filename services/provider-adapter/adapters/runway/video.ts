import type { UpstreamMessage } from "../../domain/exchange.ts";
import { ask, type JobMeaning, type VideoFormat } from "../../modules/video/format.ts";
import { addressOf, figuresOf, sameFields, sizeFor } from "../../modules/video/vendor.ts";
import { asArray, asObject, asString, countOf } from "../../wire/json.ts";

const words: Readonly<Record<string, JobMeaning>> = {
  // The answer to a start has no word.
  "": "queueing",
  pending: "queueing",
  throttled: "queueing",
  running: "processing",
  succeeded: "succeeded",
  failed: "failed",
  cancelled: "cancelled",
};
const fields = ["seed", "audio"];
const usual = { seconds: 5, resolution: "720p" };
/** The version of its API that this is written for (docs.dev.runwayml.com, "Versioning"). */
const version = { "x-runway-version": "2024-11-06" };
/** What a credit costs (docs.dev.runwayml.com, "Pricing"): a cent. */
const creditNanoUsd = 10_000_000;

/** Runway's tasks. It must not be asked after one more often than every 5 s; a new answer has fresh addresses. */
export const runwayVideo: VideoFormat = {
  words,
  pollFloorMs: 5_000,
  filtered: /SAFETY|moderation/i,
  start(request, model, note) {
    const { prompt, image, seconds, resolution, ratio } = request;
    const size = request.size ?? sizeFor(resolution || usual.resolution, ratio);
    const body = {
      ...sameFields(request.others, fields, note),
      model,
      promptText: prompt,
      ...(image === undefined ? {} : { promptImage: addressOf(image) }),
      ...(seconds === undefined ? {} : { duration: seconds }),
      ...(size === undefined ? {} : { ratio: `${size.width}:${size.height}` }),
    };
    return {
      message: {
        path: image === undefined ? "/v1/text_to_video" : "/v1/image_to_video",
        headers: version,
        body: Buffer.from(JSON.stringify(body)),
      },
      figures: figuresOf(request, usual),
    };
  },
  refusal: () => undefined,
  tell(answer, asked) {
    const id = asString(answer.id);
    const word = asString(answer.status) ?? (asked === "start" && id !== undefined ? "" : undefined);
    if (word === undefined) return undefined;
    const credits = countOf(asObject(answer.cost)?.credits);
    const { progress } = answer;
    return {
      id,
      word,
      progressPercent: typeof progress === "number" ? progress * 100 : undefined,
      failure: { code: asString(answer.failureCode) ?? "", message: asString(answer.failure) ?? "" },
      urls: { video: asString(asArray(answer.output)[0]) },
      figures: credits === undefined ? undefined : { nanoUsd: credits * creditNanoUsd },
    };
  },
  poll: ({ id }) => versioned(ask("GET", `/v1/tasks/${encodeURIComponent(id)}`)),
  cancel: ({ id }) => versioned(ask("DELETE", `/v1/tasks/${encodeURIComponent(id)}`)),
};

function versioned(message: UpstreamMessage): UpstreamMessage {
  return { ...message, headers: version };
}
