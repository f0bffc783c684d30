import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import type { ImageAnswer, ImageFormat, MadeImage } from "../../../modules/image/format.ts";
import { checkLimits, knownFields, noteQuality } from "../../../modules/image/limits.ts";
import type { ImageRequest } from "../../../modules/image/request.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { jsonWithFiles } from "../../../wire/json-with-files.ts";
import { failureOf } from "../../failures.ts";
import { finishOf } from "../chat/finish.ts";
import { readUsage } from "../chat/usage.ts";
import { pathTo } from "../chat/write-request.ts";
import { inBandFailure } from "../errors.ts";
import type { GeminiFlavour } from "../flavour.ts";
import { generationOf } from "../models.ts";
import { imageConfigOf } from "./image-config.ts";

/** As many images as its models take (ai.google.dev/gemini-api/docs/image-generation). */
const mostImages = 14;
const nothing: ReadonlySet<string> = new Set();

/** Gemini's images: parts of what it is asked and of what it answers, by generateContent. One image a request, as data. */
export function geminiImages(flavour: GeminiFlavour, model: string): ImageFormat {
  const generation = generationOf(flavour.like ?? model);
  return {
    streams: false,
    inBandError: inBandFailure,
    write(request, upstreamModel, note) {
      checkLimits(request, { made: 1, given: mostImages });
      knownFields(request, nothing, note);
      noteQuality(request, note);
      const files = jsonWithFiles(request.form?.read);
      const images = request.images.map((image) => ({
        inlineData: { mimeType: image.contentType, data: files.base64Of(image) },
      }));
      const config = imageConfigOf(request.size, generation, note);
      const body = {
        contents: [{ role: "user", parts: [...images, { text: request.prompt }] }],
        generationConfig: { responseModalities: ["IMAGE"], ...(config === undefined ? {} : { imageConfig: config }) },
        ...(flavour.safetySettings.length === 0 ? {} : { safetySettings: flavour.safetySettings }),
      };
      return { path: pathTo(flavour, upstreamModel, "generateContent"), headers: {}, ...files.write(body) };
    },
    read: readImages,
  };
}

function readImages(answer: JsonObject, request: ImageRequest): ImageAnswer {
  const candidates = asArray(answer.candidates).map((candidate) => asObject(candidate) ?? {});
  const images = candidates.flatMap(imagesOf);
  if (images.length === 0) throw refusalIn(answer, candidates);
  const usage = asObject(answer.usageMetadata);
  const { input, cached, visible, reasoning, further } = usage === undefined ? {} : readUsage(usage);
  return {
    images,
    size: request.size,
    quality: "auto",
    counts: {
      input,
      inputImage: further?.inputImage,
      cached,
      cachedImage: further?.cachedImage,
      output: visible,
      // Where the vendor tells nothing apart, all output is the image that was asked for.
      outputText:
        visible === undefined || further?.outputImage === undefined ? undefined : visible - further.outputImage,
      reasoning,
    },
    id: asString(answer.responseId),
  };
}

/** What it thinks with are images too: those are not the answer. */
function imagesOf(candidate: JsonObject): MadeImage[] {
  return asArray(asObject(candidate.content)?.parts).flatMap((raw) => {
    const part = asObject(raw) ?? {};
    const base64 = asString(asObject(part.inlineData)?.data);
    return !base64 || part.thought === true ? [] : [{ base64, rest: {} }];
  });
}

/** Why there is no image: the prompt or the image was refused for its content, or it failed. */
function refusalIn(answer: JsonObject, candidates: readonly JsonObject[]): ThroughlineError {
  const blocked = asString(asObject(answer.promptFeedback)?.blockReason);
  const reason = candidates.map(({ finishReason }) => asString(finishReason) ?? "").find((one) => one !== "") ?? "";
  if (blocked || finishOf(reason, false) === "content_filter") {
    return failureOf("filtered", { said: `The upstream refused the request for its content (${blocked || reason}).` })
      .error;
  }
  const why = reason === "" ? "its answer has no image" : `its answer has no image (${reason})`;
  return new ThroughlineError("upstream_error", `The upstream failed: ${why}`);
}
