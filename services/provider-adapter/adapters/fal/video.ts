import { ask, type JobMeaning, type JobPlace, type VideoFormat } from "../../modules/video/format.ts";
import { readSeconds } from "../../modules/video/request.ts";
import { addressOf, figuresOf } from "../../modules/video/vendor.ts";
import { asArray, asObject, asString, type JsonObject } from "../../wire/json.ts";
import { pathSegments } from "../../wire/path-segment.ts";

/** "completed" says that it is over and not how: the call for its result does, of which the last two words are ours. */
const words: Readonly<Record<string, JobMeaning>> = {
  in_queue: "queueing",
  in_progress: "processing",
  completed: "processing",
  result: "succeeded",
  error: "failed",
};
const usual = { seconds: 5, resolution: "" };

/** fal's queue. The input is the app's own: the client's further fields go on as they are. */
export const falVideo: VideoFormat = {
  words,
  filtered: /content_policy|nsfw|safety|sensitive|flagged/i,
  start(request, model) {
    const { prompt, image, seconds, resolution, ratio, others, callbackUrl } = request;
    const body = {
      ...others,
      prompt,
      ...(image === undefined ? {} : { image_url: addressOf(image) }),
      ...(seconds === undefined ? {} : { duration: String(seconds) }),
      ...(resolution === "" ? {} : { resolution }),
      ...(ratio === "" ? {} : { aspect_ratio: ratio }),
    };
    const query = callbackUrl === "" ? "" : `?fal_webhook=${encodeURIComponent(callbackUrl)}`;
    const app = pathSegments(model);
    return {
      message: { path: `/${app.join("/")}${query}`, headers: {}, body: Buffer.from(JSON.stringify(body)) },
      figures: figuresOf(request, usual),
      // Its requests are known by owner and name alone, without what follows.
      place: app.slice(0, 2).join("/"),
    };
  },
  refusal: () => undefined,
  tell(answer) {
    const word = asString(answer.status);
    return word === undefined ? undefined : { id: asString(answer.request_id), word };
  },
  poll: (job) => ask("GET", at(job, "/status")),
  ending: ({ word }, job) => (word.toLowerCase() === "completed" ? ask("GET", at(job, "")) : undefined),
  ended(answer, status) {
    if (status === 200) {
      const video = asObject(answer.video) ?? asObject(asArray(answer.videos)[0]);
      const url = asString(video?.url) ?? asString(answer.video);
      const seconds = readSeconds(video?.duration) ?? readSeconds(answer.duration);
      if (url === undefined) return { word: "error", failure: { code: "", message: "its answer has no video" } };
      return { word: "result", urls: { video: url }, figures: seconds === undefined ? undefined : { seconds } };
    }
    return { word: "error", failure: failureIn(answer) };
  },
  cancel: (job) => ask("PUT", at(job, "/cancel")),
};

function at({ id, place }: JobPlace, below: string): string {
  return `/${place}/requests/${encodeURIComponent(id)}${below}`;
}

/** Its errors are FastAPI's: a text, or a list of objects with a type and a message. */
function failureIn({ detail }: JsonObject): { readonly code: string; readonly message: string } {
  const first = asObject(asArray(detail)[0]);
  return { code: asString(first?.type) ?? "", message: asString(detail) ?? asString(first?.msg) ?? "" };
}
