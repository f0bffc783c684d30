import { createHash } from "node:crypto";
import { imageTypeBytes, imageTypeOf } from "../../../../shared/image-type.ts";
import { asArray, asObject, asString, type JsonObject } from "../../wire/json.ts";

/** What history keeps of an answer: of base64 its type, size and digest, never the bytes. */
export function imageDocument(answer: JsonObject): Buffer {
  const data = asArray(answer.data).map((item) => {
    const { b64_json: base64, url, ...rest } = asObject(item) ?? {};
    return {
      ...rest,
      ...(url === undefined ? {} : { url: typeof url === "string" ? addressWords(url, answer) : url }),
      ...(typeof base64 === "string" ? { b64_json: mediaWords(base64, answer) } : {}),
    };
  });
  return Buffer.from(JSON.stringify({ ...answer, data }));
}

const dataUrl = /^data:[^,]{0,100};base64,/i;

/** The base64 of a data URL; undefined: it is none. */
export function dataOf(url: string): string | undefined {
  const head = dataUrl.exec(url)?.[0];
  return head === undefined ? undefined : url.slice(head.length);
}

function addressWords(url: string, answer: JsonObject): string {
  const base64 = dataOf(url);
  return base64 === undefined ? url : mediaWords(base64, answer);
}

/** As history writes media that it finds itself (services/history/domain/media.ts). */
function mediaWords(base64: string, answer: JsonObject): string {
  const bytes = Buffer.from(base64, "base64");
  const digest = createHash("sha256").update(bytes).digest("hex");
  return `[${typeOfData(base64, answer)}, ${bytes.length} bytes, sha256:${digest}]`;
}

/** Media type of an image by its bytes, else by what its answer says. */
export function typeOfData(base64: string, { output_format: format }: JsonObject): string {
  const first = Buffer.from(base64.slice(0, Math.ceil(imageTypeBytes / 3) * 4), "base64");
  const said = asString(format) ?? "png";
  return (
    imageTypeOf(first) ?? (said === "svg" ? "image/svg+xml" : `image/${said.replace(/[^a-z0-9]/gi, "").slice(0, 10)}`)
  );
}
