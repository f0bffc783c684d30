import { errorIn } from "../../../domain/error-in-answer.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { ask, type JobMeaning, type VideoFormat } from "../../../modules/video/format.ts";
import { addressOf, figuresOf, sameFields, sizeFor, textOf } from "../../../modules/video/vendor.ts";
import { asArray, asObject, asString } from "../../../wire/json.ts";
import type { VideoPlace } from "./place.ts";
import { refusalOf } from "./refusal.ts";

const words: Readonly<Record<string, JobMeaning>> = { processing: "processing", success: "succeeded", fail: "failed" };
const fields = ["quality", "with_audio", "fps", "request_id", "user_id", "watermark_enabled"];
const usual = { seconds: 5, resolution: "1080p" };

/** CogVideoX at Zhipu and Z.AI ("Video generation (asynchronous)"). It is charged by the video. */
export function zhipuVideo(flavour: OpenaiFlavour, { path }: VideoPlace): VideoFormat {
  return {
    words,
    filtered: /sensitive|^1301$|unsafe/i,
    start(request, model, note) {
      const { prompt, image, seconds, resolution, ratio } = request;
      const size = request.size ?? sizeFor(resolution, ratio);
      const body = {
        ...sameFields(request.others, fields, note),
        model,
        prompt,
        ...(image === undefined ? {} : { image_url: addressOf(image) }),
        ...(seconds === undefined ? {} : { duration: seconds }),
        ...(size === undefined ? {} : { size: textOf(size) }),
      };
      return {
        message: { path, headers: {}, body: Buffer.from(JSON.stringify(body)) },
        figures: figuresOf(request, usual),
      };
    },
    refusal(answer) {
      const error = asString(answer.task_status) === undefined ? errorIn(answer) : undefined;
      return error === undefined ? undefined : refusalOf(flavour, error);
    },
    tell(answer) {
      const word = asString(answer.task_status);
      if (word === undefined) return undefined;
      const error = asObject(answer.error);
      const video = asObject(asArray(answer.video_result)[0]);
      return {
        id: asString(answer.id),
        word,
        failure: { code: asString(error?.code) ?? "", message: asString(error?.message) ?? "" },
        urls: { video: asString(video?.url), thumbnail: asString(video?.cover_image_url) },
      };
    },
    poll: ({ id }) => ask("GET", `/async-result/${encodeURIComponent(id)}`),
  };
}
