import { wordsOf } from "../../../modules/chat/neutral/media.ts";
import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import type { ClipPart, FilePart, ImagePart, MediaSource } from "../../../modules/chat/neutral/request.ts";
import type { JsonObject } from "../../../wire/json.ts";

/** Formats by the type of the media (docs.aws.amazon.com: ImageBlock, DocumentBlock, VideoBlock). */
const images: Readonly<Record<string, string>> = {
  "image/png": "png",
  "image/jpeg": "jpeg",
  "image/jpg": "jpeg",
  "image/gif": "gif",
  "image/webp": "webp",
};
const documents: Readonly<Record<string, string>> = {
  "application/pdf": "pdf",
  "text/csv": "csv",
  "application/csv": "csv",
  "text/html": "html",
  "text/markdown": "md",
  "application/msword": "doc",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
  "application/vnd.ms-excel": "xls",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
};
const videos: Readonly<Record<string, string>> = {
  "video/mp4": "mp4",
  "video/quicktime": "mov",
  "video/webm": "webm",
  "video/x-matroska": "mkv",
  "video/mpeg": "mpeg",
  "video/x-flv": "flv",
  "video/x-ms-wmv": "wmv",
  "video/3gpp": "three_gp",
};

/** Gives each document of a request a name that the vendor takes and that no other has. */
export type NameDocument = (given: string | undefined) => string;

/** Begins to name documents: letters, digits, single spaces, hyphens, parentheses and square brackets are taken. */
export function createDocumentNames(): NameDocument {
  /** By name, the number that the next of that name tries. */
  const next = new Map<string, number>();
  return (given = "") => {
    const plain = given
      .replace(/[^a-zA-Z0-9\s()[\]-]+/g, "-")
      .replace(/\s+/g, " ")
      .trim()
      .slice(0, 180);
    const name = plain === "" || plain === "-" ? "document" : plain;
    let free = name;
    let count = next.get(name) ?? 1;
    while (next.has(free)) free = `${name} ${++count}`;
    next.set(name, count);
    if (free !== name) next.set(free, 1);
    return free;
  };
}

/** An image block. */
export function writeImage({ source, at }: Pick<ImagePart, "source" | "at">): JsonObject {
  return { image: writeMedia(source, at, images, "images") };
}

/** A document block, or an image block of a file that is one. */
export function writeFile({ source, name, at }: FilePart, nameDocument: NameDocument): JsonObject {
  const words = wordsOf(source);
  if (source.kind === "text" || (words !== undefined && source.kind === "data" && !(source.mediaType in documents))) {
    const bytes = Buffer.from(words ?? "").toString("base64");
    return { document: { format: "txt", name: nameDocument(name), source: { bytes } } };
  }
  if (source.kind === "data" && source.mediaType in images) return writeImage({ source, at });
  const { format, source: bytes } = writeMedia(source, at, documents, "documents");
  return { document: { format, name: nameDocument(name), source: bytes } };
}

/** A film. */
export function writeClip({ source, medium, at }: ClipPart): JsonObject {
  if (medium === "audio") throw cannotExpress(at, "it does not take audio");
  return { video: writeMedia(source, at, videos, "videos") };
}

/** The vendor takes addresses of its own store alone. */
function writeMedia(
  source: MediaSource,
  at: string,
  formats: Readonly<Record<string, string>>,
  what: string,
): { readonly format: string; readonly source: JsonObject } {
  switch (source.kind) {
    case "upload":
      throw cannotExpress(at, "it is an upload at another vendor");
    case "url": {
      if (!source.url.startsWith("s3://")) {
        throw cannotExpress(at, `it takes ${what} as data, or at addresses that begin with s3://`);
      }
      const ending = /\.([a-z0-9]+)$/i.exec(source.url)?.[1]?.toLowerCase() ?? "";
      const format = ending === "jpg" ? "jpeg" : ending;
      if (!Object.values(formats).includes(format))
        throw cannotExpress(at, `the address does not end as those of ${what} do`);
      return { format, source: { s3Location: { uri: source.url } } };
    }
    case "data": {
      const format = Object.hasOwn(formats, source.mediaType) ? formats[source.mediaType] : undefined;
      if (format === undefined) {
        throw cannotExpress(
          at,
          `it takes ${[...new Set(Object.values(formats))].join(", ")} and not ${source.mediaType}`,
        );
      }
      return { format, source: { bytes: source.data } };
    }
  }
}
