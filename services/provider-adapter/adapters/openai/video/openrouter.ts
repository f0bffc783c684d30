import { errorIn } from "../../../domain/error-in-answer.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { vendorCostOf } from "../../../domain/vendor-cost.ts";
import { ask, type JobMeaning, type VideoFormat } from "../../../modules/video/format.ts";
import { addressOf, callbackField, figuresOf, sameFields, textOf } from "../../../modules/video/vendor.ts";
import { asObject, asString } from "../../../wire/json.ts";
import type { VideoPlace } from "./place.ts";
import { refusalOf } from "./refusal.ts";

const words: Readonly<Record<string, JobMeaning>> = {
  pending: "queueing",
  in_progress: "processing",
  completed: "succeeded",
  failed: "failed",
  cancelled: "cancelled",
  expired: "expired",
};
const fields = ["seed", "generate_audio", "provider", "input_references"];
const usual = { seconds: 8, resolution: "1080p" };

/** OpenRouter's jobs for videos of all its vendors. It says what a video cost. */
export function openrouterVideo(flavour: OpenaiFlavour, { path }: VideoPlace): VideoFormat {
  const at = (id: string) => `${path}/${encodeURIComponent(id)}`;
  return {
    words,
    filtered: /moderation|content[_ ]?policy|safety|flagged/i,
    start(request, model, note) {
      const { prompt, image, seconds, size, resolution, ratio } = request;
      const body = {
        ...sameFields(request.others, fields, note),
        model,
        prompt,
        ...(seconds === undefined ? {} : { duration: seconds }),
        ...(size === undefined
          ? { ...(resolution === "" ? {} : { resolution }), ...(ratio === "" ? {} : { aspect_ratio: ratio }) }
          : { size: textOf(size) }),
        ...(image === undefined
          ? {}
          : {
              frame_images: [{ type: "image_url", image_url: { url: addressOf(image) }, frame_type: "first_frame" }],
            }),
        ...callbackField("callback_url", request),
      };
      return {
        message: { path, headers: {}, body: Buffer.from(JSON.stringify(body)) },
        figures: figuresOf(request, usual),
      };
    },
    refusal(answer) {
      const error = asString(answer.id) === undefined ? errorIn(answer) : undefined;
      return error === undefined ? undefined : refusalOf(flavour, error);
    },
    tell(answer) {
      const word = asString(answer.status);
      if (word === undefined) return undefined;
      const error = errorIn(answer);
      const nanoUsd = vendorCostOf(asObject(answer.usage) ?? {});
      return {
        id: asString(answer.id),
        word,
        failure: { code: String(error?.code ?? ""), message: asString(error?.message) ?? "" },
        figures: nanoUsd === undefined ? undefined : { nanoUsd },
      };
    },
    poll: ({ id }) => ask("GET", at(id)),
    content: ({ id }) => ask("GET", `${at(id)}/content?index=0`),
  };
}
