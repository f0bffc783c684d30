import { errorIn } from "../../../domain/error-in-answer.ts";
import type { UpstreamMessage } from "../../../domain/exchange.ts";
import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import type { Notes } from "../../../domain/notes.ts";
import { ask, type JobMeaning, type Told, type VideoFigures, type VideoFormat } from "../../../modules/video/format.ts";
import { readSize, resolutionOf, type VideoImage, type VideoRequest } from "../../../modules/video/request.ts";
import { textOf, toldFigures } from "../../../modules/video/vendor.ts";
import { asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { writeMultipart } from "../../../wire/multipart.ts";
import { takenFields } from "../module.ts";
import type { VideoPlace } from "./place.ts";
import { refusalOf } from "./refusal.ts";

/** OpenAI's own words, and those of servers that took its form (new-api among them). */
const words: Readonly<Record<string, JobMeaning>> = {
  queued: "queueing",
  pending: "queueing",
  submitted: "queueing",
  in_progress: "processing",
  processing: "processing",
  running: "processing",
  completed: "succeeded",
  succeeded: "succeeded",
  failed: "failed",
  cancelled: "cancelled",
  canceled: "cancelled",
  expired: "expired",
};

const filtered = /moderation|content[_ ]?(policy|filter)|safety|sentinel/i;
/** What is made where a request does not say (platform.openai.com, "Create video"). */
const usualSeconds = 4;
const usualSize = "720x1280";
const noBytes = new Uint8Array();

/** Jobs of OpenAI, and of all who serve `/videos` in its form. */
export function openaiVideo(flavour: OpenaiFlavour, { path }: VideoPlace): VideoFormat {
  const [start = "", query = ""] = path.split("?");
  const at = (id: string, below = "", further = "") => {
    const asked = [query, further].filter((part) => part !== "").join("&");
    return `${start}/${encodeURIComponent(id)}${below}${asked === "" ? "" : `?${asked}`}`;
  };
  return {
    words,
    filtered,
    start(request, model, note) {
      const fields = {
        ...withoutCount(takenFields(request.others, flavour, note), note),
        ...neutralFields(request),
        model,
      };
      return { message: { path, ...bodyOf(fields, request.image) }, figures: figuresOf(request) };
    },
    remix: ({ id }, request) => ({
      message: { path: at(id, "/remix"), headers: {}, body: Buffer.from(JSON.stringify({ prompt: request.prompt })) },
      figures: figuresOf(request),
    }),
    refusal(answer) {
      // A job that failed has an error too.
      const error = asString(answer.id) === undefined ? errorIn(answer) : undefined;
      return error === undefined ? undefined : refusalOf(flavour, error);
    },
    tell,
    poll: ({ id }) => ask("GET", at(id)),
    cancel: ({ id }) => ask("DELETE", at(id)),
    content: ({ id }, variant) =>
      ask("GET", at(id, "/content", variant === "video" ? "" : `variant=${encodeURIComponent(variant)}`)),
  };
}

/** Fields that ask for several videos: a job has one, and is priced as one. */
const counts = ["n", "n_variants"];

function withoutCount(fields: JsonObject, note: Notes["note"]): JsonObject {
  const left = { ...fields };
  for (const name of counts) {
    if (left[name] === undefined) continue;
    delete left[name];
    note(`${name} dropped: a job makes one video`);
  }
  return left;
}

function neutralFields({ prompt, seconds, size, resolution, ratio }: VideoRequest): JsonObject {
  return {
    prompt,
    ...(seconds === undefined ? {} : { seconds: String(seconds) }),
    // A size says both.
    ...(size === undefined
      ? { ...(resolution === "" ? {} : { resolution }), ...(ratio === "" ? {} : { aspect_ratio: ratio }) }
      : { size: textOf(size) }),
  };
}

/** A picture travels as the file of a form, which every server of this format takes; else the request is JSON. */
function bodyOf(fields: JsonObject, image: VideoImage | undefined): Omit<UpstreamMessage, "path"> {
  if (image?.kind !== "data") {
    const reference = image === undefined ? {} : { input_reference: referenceOf(image) };
    return { headers: {}, body: Buffer.from(JSON.stringify({ ...fields, ...reference })) };
  }
  const bytes = Buffer.from(image.base64, "base64");
  const { mediaType: contentType } = image;
  const filename = `input.${contentType.split("/")[1]?.replace(/[^a-z0-9]/gi, "") || "bin"}`;
  const { contentType: type, source } = writeMultipart(
    [
      ...Object.entries(fields).map(([name, value]) => ({
        name,
        value: typeof value === "string" ? value : JSON.stringify(value),
      })),
      { name: "input_reference", value: "", file: { filename, contentType, offset: 0, length: bytes.length } },
    ],
    (offset) => piecesOf(bytes.subarray(offset)),
  );
  return { contentType: type, headers: {}, body: noBytes, source };
}

function referenceOf(image: Exclude<VideoImage, { kind: "data" }>): JsonObject {
  return image.kind === "url" ? { image_url: image.url } : { file_id: image.fileId };
}

const pieceBytes = 64 * 1024;

async function* piecesOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

function figuresOf({ seconds, size, resolution }: VideoRequest): VideoFigures {
  const assumed = size ?? (resolution === "" ? readSize(usualSize) : undefined);
  return {
    seconds: seconds ?? usualSeconds,
    ...(assumed === undefined ? {} : { size: textOf(assumed) }),
    resolution: resolution || (assumed === undefined ? "" : resolutionOf(assumed)),
  };
}

function tell(answer: JsonObject): Told | undefined {
  const word = asString(answer.status);
  if (word === undefined) return undefined;
  const error = asObject(answer.error);
  const { expires_at: expires } = answer;
  return {
    id: asString(answer.id),
    word,
    progressPercent: typeof answer.progress === "number" ? answer.progress : undefined,
    failure:
      error === undefined ? undefined : { code: asString(error.code) ?? "", message: asString(error.message) ?? "" },
    figures: toldFigures(answer.seconds, readSize(answer.size)),
    expiresUnixS: typeof expires === "number" ? expires : undefined,
  };
}
