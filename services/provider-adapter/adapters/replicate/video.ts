import { ask, type JobMeaning, type VideoFormat } from "../../modules/video/format.ts";
import { readSeconds } from "../../modules/video/request.ts";
import { addressOf, figuresOf } from "../../modules/video/vendor.ts";
import { asArray, asObject, asString, type JsonObject } from "../../wire/json.ts";
import { pathSegments } from "../../wire/path-segment.ts";

const words: Readonly<Record<string, JobMeaning>> = {
  starting: "queueing",
  processing: "processing",
  succeeded: "succeeded",
  failed: "failed",
  canceled: "cancelled",
  aborted: "cancelled",
};
const usual = { seconds: 5, resolution: "" };
/** The version of a community model that runs: 64 hexadecimal digits behind the last colon. */
const versioned = /:([0-9a-f]{64})$/;

/** Replicate's predictions. The input is the model's own: the client's further fields go on as they are. */
export const replicateVideo: VideoFormat = {
  words,
  filtered: /nsfw|sensitive|flagged|safety|content policy/i,
  start(request, model) {
    const { prompt, image, seconds, resolution, ratio, others, callbackUrl } = request;
    const input = {
      ...others,
      prompt,
      ...(image === undefined ? {} : { image: addressOf(image) }),
      ...(seconds === undefined ? {} : { duration: seconds }),
      ...(resolution === "" ? {} : { resolution }),
      ...(ratio === "" ? {} : { aspect_ratio: ratio }),
    };
    const called = callbackUrl === "" ? {} : { webhook: callbackUrl, webhook_events_filter: ["completed"] };
    const [, version] = versioned.exec(model) ?? [];
    const name = pathSegments(model).join("/");
    return {
      message: {
        path: version === undefined ? `/models/${name}/predictions` : "/predictions",
        headers: {},
        body: Buffer.from(JSON.stringify({ ...(version === undefined ? {} : { version }), input, ...called })),
      },
      figures: figuresOf(request, usual),
    };
  },
  refusal: () => undefined,
  tell(answer) {
    const word = asString(answer.status);
    if (word === undefined) return undefined;
    const seconds = readSeconds(asObject(answer.metrics)?.video_output_duration_seconds);
    return {
      id: asString(answer.id),
      word,
      failure: { code: "", message: asString(answer.error) ?? "" },
      urls: { video: urlIn(answer) },
      figures: seconds === undefined ? undefined : { seconds },
    };
  },
  poll: ({ id }) => ask("GET", `/predictions/${encodeURIComponent(id)}`),
  cancel: ({ id }) => ask("POST", `/predictions/${encodeURIComponent(id)}/cancel`),
};

/** An output has whatever form the model gives it: an address, a list of them, or an object with one. */
function urlIn({ output }: JsonObject): string | undefined {
  const { video } = asObject(output) ?? {};
  return asString(output) ?? asString(asArray(output)[0]) ?? asString(video) ?? asString(asObject(video)?.url);
}
