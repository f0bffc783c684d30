import type { UpstreamMessage } from "../../../domain/exchange.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import type { ImageFormat, MadeImage } from "../../../modules/image/format.ts";
import type { GivenImage, ImageRequest } from "../../../modules/image/request.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { jsonWithFiles } from "../../../wire/json-with-files.ts";

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

/** The images of a list in OpenAI's words: `url` or `b64_json`. What has neither is none. */
export function listedImages(list: unknown): MadeImage[] {
  return asArray(list).flatMap((item) => {
    const { url, b64_json: base64, ...rest } = asObject(item) ?? {};
    const image = { url: asString(url) || undefined, base64: asString(base64) || undefined };
    return image.url === undefined && image.base64 === undefined ? [] : [{ ...image, rest }];
  });
}
