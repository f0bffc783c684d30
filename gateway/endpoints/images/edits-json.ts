import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { imageTypeBytes, imageTypeOf } from "../../../shared/image-type.ts";
import type { GatewayContext } from "../../context.ts";
import { bytesOfDataUrl, isDataUrl } from "../../domain/data-url.ts";
import type { FilePart, FormPart } from "../../domain/form.ts";
import type { Spool } from "../../edge/spool.ts";
import { requestOf } from "../chat/message-id.ts";
import { callOptions, jobOwner } from "../jobs/owned.ts";
import { objectReader } from "../objects/read.ts";
import type { JsonForm } from "../paid-endpoint.ts";
import { maybe, open } from "../schemas/json.ts";
import { editFields, mostImages } from "./schema.ts";

/* The JSON of POST /v1/images/edits: EditImageBodyJsonParam of openai/openai-openapi. */

const reference = open({
  image_url: maybe(Type.String({ minLength: 1 })),
  file_id: maybe(Type.String({ minLength: 1 })),
});
type Reference = Static<typeof reference>;

const body = open({
  ...editFields.properties,
  images: Type.Array(reference, { minItems: 1, maxItems: mostImages }),
  mask: maybe(reference),
});

/** A picture whose size is known before it is kept. */
interface Picture {
  readonly name: string;
  readonly filename: string;
  readonly bytes: number;
  read(): AsyncIterable<Uint8Array>;
}

/** JSON in place of the form: its pictures are data, or files that were uploaded before. */
export const editsJson: JsonForm<typeof body> = {
  schema: body,
  async receive(context, request, given, openSpool) {
    const { images, mask, ...fields } = given;
    const named: [string, string, Reference][] = images.map((one, at) => [imageName(images), `images[${at}]`, one]);
    if (mask !== null && mask !== undefined) named.push(["mask", "mask", mask]);
    const pictures: Picture[] = [];
    for (const [name, path, one] of named) pictures.push(await pictureOf(context, request, name, path, one));
    const source = openSpool(pictures.reduce((sum, { bytes }) => sum + bytes, 0));
    const parts: FormPart[] = [];
    for (const [at, picture] of pictures.entries()) parts.push(await keep(picture, source, named[at]?.[1] ?? ""));
    return { parts: [...parts, ...textsOf(fields)], source };
  },
};

/** As OpenAI's own SDKs name them. */
function imageName(images: readonly unknown[]): string {
  return images.length === 1 ? "image" : "image[]";
}

/** Fields as a form has them: what is null was not sent, and what is no text is written out. */
function textsOf(fields: Readonly<Record<string, unknown>>): FormPart[] {
  return Object.entries(fields)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => ({ name, value: typeof value === "string" ? value : JSON.stringify(value) }));
}

async function pictureOf(
  context: GatewayContext,
  request: FastifyRequest,
  name: string,
  path: string,
  { image_url: url, file_id: file }: Reference,
): Promise<Picture> {
  if (typeof url === "string" && typeof file === "string") {
    throw invalid(path, `${path} has both image_url and file_id: one of them names the image.`);
  }
  if (typeof file === "string") return fileOf(context, request, { name, path: `${path}.file_id`, file });
  if (typeof url !== "string") throw invalid(path, `${path} needs image_url or file_id.`);
  const param = `${path}.image_url`;
  if (!isDataUrl(url)) {
    throw invalid(
      param,
      `${param} must be a data URL. An image at an address is uploaded by POST /v1/files, and named by its file_id.`,
    );
  }
  const data = bytesOfDataUrl(url);
  if (data === undefined) throw invalid(param, `${param} has no data in base64.`);
  return { name, filename: "", bytes: data.length, read: () => pieces([data]) };
}

/** A file of the caller's; that of another is missing in the same words as one that is not there. */
async function fileOf(
  context: GatewayContext,
  request: FastifyRequest,
  { name, path, file: text }: { readonly name: string; readonly path: string; readonly file: string },
): Promise<Picture> {
  const missing = () => invalid(path, `${path}: there is no such file.`);
  const id = requestOf(text);
  if (id === undefined) throw missing();
  const { file } = await context.jobs
    .getFile({ owner: jobOwner(request), fileId: id }, callOptions(context, request))
    .catch((error: unknown) => {
      throw ThroughlineError.from(error).code === "not_found" ? missing() : error;
    });
  if (file === undefined) throw missing();
  const bytes = Number(file.bytes);
  const { fileId: objectId, filename } = file;
  const { incoming } = request;
  const accountId = incoming.principal?.accountId ?? 0n;
  const read = objectReader(context, request, { objectId, accountId });
  return { name, filename, bytes, read: () => readAll(read, bytes) };
}

async function* readAll(read: ReturnType<typeof objectReader>, bytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes; ) {
    const piece = await read(at, bytes - at);
    at += piece.length;
    yield piece;
  }
}

async function* pieces(all: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* all;
}

/** Puts a picture into the spool. Throws where it is none. */
async function keep({ name, filename, read }: Picture, spool: Spool, path: string): Promise<FilePart> {
  const offset = spool.length;
  const hash = createHash("sha256");
  for await (const piece of read()) {
    hash.update(piece);
    await spool.append(piece);
  }
  const length = spool.length - offset;
  const contentType = imageTypeOf(await spool.read(offset, Math.min(imageTypeBytes, length)));
  if (contentType === undefined) throw invalid(path, `${path} is not an image.`);
  const extension = contentType.split("/")[1] ?? "bin";
  return { name, filename: filename || `image.${extension}`, contentType, offset, length, sha256: hash.digest("hex") };
}

function invalid(param: string, message: string): ThroughlineError {
  return new ThroughlineError("invalid_value", message, { param });
}
