import { cleanMessage } from "../../../domain/clean-message.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { ask, type JobMeaning, type VideoFormat } from "../../../modules/video/format.ts";
import { addressOf, figuresOf, sameFields } from "../../../modules/video/vendor.ts";
import { asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { failureOf } from "../../failures.ts";
import { minimaxMeanings } from "../minimax-meanings.ts";
import type { VideoPlace } from "./place.ts";

const words: Readonly<Record<string, JobMeaning>> = {
  // The answer to a start has no word.
  "": "queueing",
  preparing: "queueing",
  queueing: "queueing",
  processing: "processing",
  success: "succeeded",
  fail: "failed",
};
const fields = ["prompt_optimizer", "fast_pretreatment", "aigc_watermark", "last_frame_image", "subject_reference"];
const usual = { seconds: 6, resolution: "768p" };

/** Hailuo at MiniMax ("Video generation"). A result is a file, whose address a further call brings. */
export function minimaxVideo(_flavour: OpenaiFlavour, { path }: VideoPlace): VideoFormat {
  return {
    words,
    filtered: /^102[67]$|sensitive/i,
    start(request, model, note) {
      const { prompt, image, seconds } = request;
      const resolution = tierOf(request.resolution);
      if (resolution !== request.resolution) note(`resolution ${request.resolution} became ${resolution}`);
      const body = {
        ...sameFields(request.others, fields, note),
        model,
        prompt,
        ...(image === undefined ? {} : { first_frame_image: addressOf(image) }),
        ...(seconds === undefined ? {} : { duration: seconds }),
        ...(resolution === "" ? {} : { resolution: resolution.toUpperCase() }),
      };
      return {
        message: { path, headers: {}, body: Buffer.from(JSON.stringify(body)) },
        figures: { ...figuresOf(request, usual), resolution: resolution || usual.resolution },
      };
    },
    refusal(answer) {
      const { code, message } = saidIn(answer);
      return code === 0 ? undefined : failureOf(minimaxMeanings[code] ?? "failed", { said: cleanMessage(message) });
    },
    tell(answer, asked) {
      const { code, message } = saidIn(answer);
      const id = asString(answer.task_id);
      const word = asString(answer.status) || (asked === "start" && code === 0 && id ? "" : undefined);
      if (word === undefined) return undefined;
      return { id, word, failure: { code: String(code), message }, file: asString(answer.file_id) };
    },
    poll: ({ id }) => ask("GET", `/query/video_generation?task_id=${encodeURIComponent(id)}`),
    address: ({ file = "" }) =>
      file === "" ? undefined : ask("GET", `/files/retrieve?file_id=${encodeURIComponent(file)}`),
    addressed: (answer) => asString(asObject(answer.file)?.download_url),
  };
}

/** Its resolutions, by the lines that they are the nearest to. */
const tiers: readonly (readonly [fewerLines: number, resolution: string])[] = [
  [640, "512p"],
  [924, "768p"],
  [Number.POSITIVE_INFINITY, "1080p"],
];

/** The resolution that the vendor has for one that a size or a client says; empty: it is left to the vendor. */
function tierOf(resolution: string): string {
  const lines = resolution === "4k" ? 2_160 : Number(/^(\d{2,5})p$/.exec(resolution)?.[1] ?? Number.NaN);
  return tiers.find(([fewer]) => lines < fewer)?.[1] ?? resolution;
}

/** 0: it says that all went well, or nothing. */
function saidIn(answer: JsonObject): { readonly code: number; readonly message: string } {
  const said = asObject(answer.base_resp);
  const code = said?.status_code;
  return { code: typeof code === "number" ? code : 0, message: asString(said?.status_msg) ?? "" };
}
