import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { ask, type JobMeaning, type VideoFigures, type VideoFormat } from "../../../modules/video/format.ts";
import { readSeconds, readSize, resolutionOf } from "../../../modules/video/request.ts";
import { addressOf, figuresOf, sameFields, sizeFor, textOf } from "../../../modules/video/vendor.ts";
import { asObject, asString, type JsonObject } from "../../../wire/json.ts";
import type { VideoPlace } from "./place.ts";
import { refusalOf } from "./refusal.ts";

/** An ID that is a day old or of another region is UNKNOWN, which is no failure by itself. */
const words: Readonly<Record<string, JobMeaning>> = {
  pending: "queueing",
  suspended: "queueing",
  running: "processing",
  succeeded: "succeeded",
  failed: "failed",
  canceled: "cancelled",
};
/** "Video generation", parameters that clients may set under the vendor's own names. */
const inputs = ["negative_prompt"];
const parameters = ["prompt_extend", "seed", "watermark", "audio", "shot_type"];
const usual = { seconds: 5, resolution: "1080p" };

/** Wan at DashScope (Alibaba Cloud Model Studio, "Text-to-video" and "Image-to-video"). */
export function dashscopeVideo(flavour: OpenaiFlavour, { path, base }: VideoPlace): VideoFormat {
  const within = base === undefined ? {} : { base };
  return {
    words,
    filtered: /DataInspection|inappropriate/i,
    start(request, model, note) {
      const { prompt, image, seconds, resolution, ratio } = request;
      const taken = sameFields(request.others, [...inputs, ...parameters], note);
      const size = request.size ?? sizeFor(resolution, ratio);
      const input = {
        ...pick(taken, inputs),
        prompt,
        ...(image === undefined ? {} : { img_url: addressOf(image) }),
      };
      const body = {
        model,
        input,
        parameters: {
          ...pick(taken, parameters),
          ...(seconds === undefined ? {} : { duration: seconds }),
          // A picture brings its own ratio.
          ...(image !== undefined && resolution !== "" ? { resolution: resolution.toUpperCase() } : {}),
          ...(image === undefined && size !== undefined ? { size: `${size.width}*${size.height}` } : {}),
        },
      };
      return {
        message: {
          path,
          ...within,
          headers: { "x-dashscope-async": "enable" },
          body: Buffer.from(JSON.stringify(body)),
        },
        figures: figuresOf(request, usual),
      };
    },
    refusal: (answer) =>
      answer.output === undefined && asString(answer.code) !== undefined ? refusalOf(flavour, answer) : undefined,
    tell(answer) {
      const output = asObject(answer.output);
      const word = asString(output?.task_status);
      if (output === undefined || word === undefined) return undefined;
      return {
        id: asString(output.task_id),
        word,
        failure: { code: asString(output.code) ?? "", message: asString(output.message) ?? "" },
        urls: { video: asString(output.video_url) },
        figures: consumed(asObject(answer.usage)),
      };
    },
    poll: ({ id }) => ({ ...ask("GET", `/tasks/${encodeURIComponent(id)}`), ...within }),
    cancel: ({ id }) => ({ ...ask("POST", `/tasks/${encodeURIComponent(id)}/cancel`), ...within }),
  };
}

/** `duration` counts a given video too, as the vendor charges. Older models say `video_duration` and `video_ratio`. */
function consumed(usage: JsonObject | undefined): VideoFigures | undefined {
  const seconds = readSeconds(usage?.duration) ?? readSeconds(usage?.video_duration);
  if (usage === undefined || seconds === undefined) return undefined;
  const size = readSize(usage.size) ?? readSize(usage.video_ratio);
  const [, lines] = /^(\d{3,4})[pP]?$/.exec(String(usage.SR ?? "")) ?? [];
  const resolution = lines === undefined ? size && resolutionOf(size) : `${lines}p`;
  return {
    seconds,
    ...(size === undefined ? {} : { size: textOf(size) }),
    ...(resolution === undefined ? {} : { resolution }),
  };
}

function pick(fields: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));
}
