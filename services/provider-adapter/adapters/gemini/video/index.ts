import { cleanMessage } from "../../../domain/clean-message.ts";
import { ask, type JobMeaning, type Told, type VideoFormat } from "../../../modules/video/format.ts";
import { dataOf, figuresOf, sameFields } from "../../../modules/video/vendor.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { failureOf } from "../../failures.ts";
import { pathTo } from "../chat/write-request.ts";
import { errorOf } from "../errors.ts";
import type { GeminiFlavour } from "../flavour.ts";

/** Our words for what an operation says by its fields. */
const words: Readonly<Record<string, JobMeaning>> = {
  running: "processing",
  done: "succeeded",
  failed: "failed",
  filtered: "content_filtered",
};
/** Fields of the client, and the vendor's names of them. */
const fields: Readonly<Record<string, string>> = {
  negative_prompt: "negativePrompt",
  person_generation: "personGeneration",
  seed: "seed",
};
const usual = { seconds: 8, resolution: "720p" };
/** Names of operations, e.g. "models/veo-3.1-generate-preview/operations/abc": they stand in a path as they are. */
const operation = /^(?:[\w-][\w.-]*\/)*[\w-][\w.-]*$/;

/** Veo (ai.google.dev, "Generate videos with Veo"): an operation that runs long. It cannot be given up. */
export function geminiVideo(flavour: GeminiFlavour): VideoFormat {
  return {
    words,
    filtered: /safety|responsible ai|usage guidelines|sensitive/i,
    start(request, model, note) {
      const { prompt, image, seconds, resolution, ratio } = request;
      const taken = sameFields(request.others, Object.keys(fields), note);
      const body = {
        instances: [{ prompt, ...(image === undefined ? {} : { image: imageOf(dataOf(image)) }) }],
        parameters: {
          ...Object.fromEntries(Object.entries(taken).map(([name, value]) => [fields[name] ?? name, value])),
          ...(seconds === undefined ? {} : { durationSeconds: seconds }),
          ...(ratio === "" ? {} : { aspectRatio: ratio }),
          ...(resolution === "" ? {} : { resolution }),
        },
      };
      return {
        message: {
          path: pathTo(flavour, model, "predictLongRunning"),
          headers: {},
          body: Buffer.from(JSON.stringify(body)),
        },
        figures: figuresOf(request, usual),
      };
    },
    refusal(answer) {
      const error = asString(answer.name) === undefined ? errorOf(answer) : undefined;
      return error === undefined
        ? undefined
        : failureOf("refused", { said: cleanMessage(asString(error.message) ?? "") });
    },
    tell,
    poll: ({ id }) => ask("GET", `/${id}`),
  };
}

function imageOf({ mediaType, base64 }: { readonly mediaType: string; readonly base64: string }): JsonObject {
  return { bytesBase64Encoded: base64, mimeType: mediaType };
}

function tell(answer: JsonObject): Told | undefined {
  const name = asString(answer.name);
  if (name === undefined || !operation.test(name)) return undefined;
  if (answer.done !== true) return { id: name, word: "running" };
  const error = errorOf(answer);
  if (error !== undefined) {
    const { status, code, message } = error;
    return {
      id: name,
      word: "failed",
      failure: { code: String(status ?? code ?? ""), message: asString(message) ?? "" },
    };
  }
  const made = asObject(asObject(answer.response)?.generateVideoResponse) ?? {};
  const url = asString(asObject(asObject(asArray(made.generatedSamples)[0])?.video)?.uri);
  if (url !== undefined) return { id: name, word: "done", urls: { video: url } };
  const reasons = asArray(made.raiMediaFilteredReasons).map(asString).join(" ");
  // Done without a video: its rules on content took it away, or nobody knows why there is none.
  const isFiltered = Number(made.raiMediaFilteredCount ?? 0) > 0 || reasons !== "";
  return { id: name, word: isFiltered ? "filtered" : "failed", failure: { code: "", message: reasons } };
}
