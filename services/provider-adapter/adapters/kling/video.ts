import { cleanMessage } from "../../domain/clean-message.ts";
import { ask, type JobMeaning, type VideoFormat } from "../../modules/video/format.ts";
import { readSeconds, type VideoImage } from "../../modules/video/request.ts";
import { addressOf, callbackField, sameFields } from "../../modules/video/vendor.ts";
import { asArray, asObject, asString } from "../../wire/json.ts";
import { type FailureMeaning, failureOf } from "../failures.ts";
import type { ErrorRule } from "../openai/errors.ts";

const words: Readonly<Record<string, JobMeaning>> = {
  submitted: "queueing",
  processing: "processing",
  succeed: "succeeded",
  failed: "failed",
};
/** Its codes, inside whatever status (Kling, "Error codes"). */
const meanings: Readonly<Record<number, FailureMeaning>> = {
  1000: "credential",
  1001: "credential",
  1002: "credential",
  1003: "credential",
  1004: "credential",
  1100: "credential",
  1101: "no_credit",
  1102: "no_credit",
  1103: "credential",
  1200: "refused",
  1201: "refused",
  1202: "refused",
  1203: "unknown_model",
  1300: "refused",
  1301: "filtered",
  1302: "overloaded",
  1303: "overloaded",
  1304: "credential",
  5001: "overloaded",
  5002: "timeout",
};

/** The same for answers with a status of a failure. */
export const klingRules: readonly ErrorRule[] = Object.entries(meanings).map(([code, means]) => ({
  code: new RegExp(`^${code}$`),
  means,
}));

const fields = ["negative_prompt", "cfg_scale", "mode", "sound", "camera_control"];
const usualSeconds = 5;

/** Kling's videos from a text or a picture. A job is found again by the path of its start alone. */
export const klingVideo: VideoFormat = {
  words,
  filtered: /risk|sensitive|content policy/i,
  start(request, model, note) {
    const { prompt, image, seconds, ratio } = request;
    const taken = sameFields(request.others, fields, note);
    const body = {
      ...taken,
      model_name: model,
      prompt,
      ...(image === undefined ? {} : { image: bareOf(image) }),
      ...(seconds === undefined ? {} : { duration: String(seconds) }),
      // A picture brings its own.
      ...(ratio === "" || image !== undefined ? {} : { aspect_ratio: ratio }),
      ...callbackField("callback_url", request),
    };
    const place = image === undefined ? "text2video" : "image2video";
    return {
      message: { path: `/v1/videos/${place}`, headers: {}, body: Buffer.from(JSON.stringify(body)) },
      figures: { seconds: seconds ?? usualSeconds, variant: asString(taken.mode) ?? "std" },
      place,
    };
  },
  refusal(answer) {
    const { code } = answer;
    if (typeof code !== "number" || code === 0) return undefined;
    return failureOf(meanings[code] ?? "failed", { said: cleanMessage(asString(answer.message) ?? "") });
  },
  tell(answer) {
    const data = asObject(answer.data);
    const word = asString(data?.task_status);
    if (data === undefined || word === undefined) return undefined;
    const video = asObject(asArray(asObject(data.task_result)?.videos)[0]);
    const seconds = readSeconds(video?.duration);
    return {
      id: asString(data.task_id),
      word,
      failure: { code: "", message: asString(data.task_status_msg) ?? "" },
      urls: { video: asString(video?.url) },
      figures: seconds === undefined ? undefined : { seconds },
    };
  },
  poll: ({ id, place }) => ask("GET", `/v1/videos/${place || "text2video"}/${encodeURIComponent(id)}`),
};

/** Bare base64, as it wants data; addresses stay as they are. */
function bareOf(image: VideoImage): string {
  return image.kind === "data" ? image.base64 : addressOf(image);
}
