import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import { cleanMessage } from "../../../domain/clean-message.ts";
import type { UpstreamMessage } from "../../../domain/exchange.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import type { ImageFormat, MadeImage } from "../../../modules/image/format.ts";
import type { GivenImage, ImageRequest } from "../../../modules/image/request.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { jsonWithFiles } from "../../../wire/json-with-files.ts";
import { type FailureMeaning, failureOf } from "../../failures.ts";

/** Where images are asked for, behind the channel's base URL. */
export interface ImagePlace {
  /** Empty: beside the path of chat. `{model}` stands for the model, `{task}` for `generations` or `edits`. */
  readonly path: string;
  readonly base?: readonly [part: string, instead: string];
}

/** A way to ask for images: one of `modules.image.shape` of a flavour. */
export type ImageShape = (flavour: OpenaiFlavour, place: ImagePlace) => ImageFormat;

/** The last part of a path of OpenAI, by what is asked for. */
export const taskPaths = { generation: "generations", edit: "edits" } as const;

/** A message of JSON with the images that the client brought in it. */
export function jsonMessage(
  { path, base }: ImagePlace,
  { form }: ImageRequest,
  write: (dataUrlOf: (image: GivenImage) => string) => JsonObject,
): UpstreamMessage {
  const files = jsonWithFiles(form?.read);
  const value = write((image) => `data:${image.contentType};base64,${files.base64Of(image)}`);
  return { path, ...(base === undefined ? {} : { base }), headers: {}, ...files.write(value) };
}

/** The failure that an answer with status 200 tells in a vendor's own words. A refusal of the request is final. */
export function statedFailure(
  meaning: FailureMeaning = "failed",
  message = "",
  upstreamRequestId?: string | undefined,
): ThroughlineError {
  const said = cleanMessage(message);
  if (meaning !== "failed" || said === "") return failureOf(meaning, { said, upstreamRequestId }).error;
  return new ThroughlineError("upstream_error", `The upstream failed: ${said}`, { upstreamRequestId });
}

/** The images of a list in OpenAI's words: `url` or `b64_json`. What has neither is none. */
export function listedImages(list: unknown): MadeImage[] {
  return asArray(list).flatMap((item) => {
    const { url, b64_json: base64, ...rest } = asObject(item) ?? {};
    const image = { url: asString(url) || undefined, base64: asString(base64) || undefined };
    return image.url === undefined && image.base64 === undefined ? [] : [{ ...image, rest }];
  });
}
