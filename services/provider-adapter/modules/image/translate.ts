import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { errorIn } from "../../domain/error-in-answer.ts";
import type { Asked, Exchange, FetchedMedia } from "../../domain/exchange.ts";
import { createNotes } from "../../domain/notes.ts";
import { asObject, type JsonObject, parseJson } from "../../wire/json.ts";
import { imageDocument } from "./document.ts";
import { completedEvents, createImageEvents } from "./events.ts";
import type { ImageAnswer, ImageFormat, MadeImage } from "./format.ts";
import { type ImageRequest, type ImageTask, readImageRequest } from "./request.ts";
import { imageUsage, toldCounts } from "./usage.ts";
import { addressesToFetch, asWanted } from "./wanted.ts";

/** Dialects of clients, all OpenAI's, and what they ask for. */
const tasks: Readonly<Record<string, ImageTask>> = {
  "openai.images": "generation",
  "openai.image_edits": "edit",
};

const nothingFetched: FetchedMedia = new Map();

/** The exchanges between the client dialects and an upstream's format. */
export function imageExchanges(
  formatOf: (upstreamModel: string) => ImageFormat,
): Record<string, (asked: Asked) => Exchange> {
  return Object.fromEntries(
    Object.entries(tasks).map(([dialect, task]) => [
      dialect,
      (asked: Asked) => exchangeOf(asked, task, formatOf(asked.upstreamModel)),
    ]),
  );
}

function exchangeOf(asked: Asked, task: ImageTask, format: ImageFormat): Exchange {
  const { note, list } = createNotes();
  const request = readImageRequest(asked, task);
  const message = format.write(request, asked.upstreamModel, note);
  const notes = [...list()];
  const noteLater = (text: string) => {
    if (!notes.includes(text)) notes.push(text);
  };
  let read: { readonly body: Buffer; readonly answer: ImageAnswer } | undefined;

  /** An answer is looked at once for what must be fetched, and once to be given. */
  function answerIn(body: Buffer): ImageAnswer {
    if (read?.body !== body) read = { body, answer: readAnswer(body, request, format) };
    return read.answer;
  }

  return {
    message: request.stream && !format.streams ? { ...message, accept: "application/json" } : message,
    notes,
    fetches: (body) => addressesToFetch(answerIn(body), request),
    whole(body, _moments, fetched = nothingFetched) {
      const answer = answerIn(body);
      const images = asWanted(answer, request, fetched, noteLater);
      const document = documentOf(asked, answer, images);
      return {
        // An answer that is already as the client wants it keeps its bytes.
        body: images === answer.images && answer.head !== undefined ? body : Buffer.from(JSON.stringify(document)),
        ...(asked.keepResponse ? { document: imageDocument(document) } : {}),
        usage: imageUsage(asked, request, { ...answer, images: images.length }),
        finishReason: "",
        messageId: "",
        responseModel: "",
        upstreamRequestId: answer.id,
      };
    },
    stream: () => createImageEvents(asked, request, format),
    events(body, fetched = nothingFetched) {
      const answer = answerIn(body);
      const images = asWanted(answer, request, fetched, noteLater);
      return completedEvents(images, documentOf(asked, answer, images), task);
    },
  };
}

function readAnswer(body: Buffer, request: ImageRequest, format: ImageFormat): ImageAnswer {
  const json = asObject(parseJson(body.toString()));
  if (json === undefined) throw new ThroughlineError("upstream_error", "The upstream's answer is not a JSON object.");
  const error = errorIn(json);
  if (error !== undefined) throw format.inBandError(error);
  const answer = format.read(json, request);
  if (answer === undefined || answer.images.length === 0) {
    throw new ThroughlineError("upstream_error", "The upstream failed: its answer has no image");
  }
  return answer;
}

/** The answer as OpenAI writes it. */
function documentOf(asked: Asked, answer: ImageAnswer, images: readonly MadeImage[]): JsonObject {
  const { size, quality, counts } = answer;
  const usage = toldCounts(counts);
  const head = answer.head ?? {
    created: asked.createdUnixS,
    ...(size === "auto" ? {} : { size }),
    ...(quality === "auto" ? {} : { quality }),
    ...(usage === undefined ? {} : { usage }),
  };
  const data = images.map(({ base64, url, rest }) => ({
    ...rest,
    ...(url === undefined ? {} : { url }),
    ...(base64 === undefined ? {} : { b64_json: base64 }),
  }));
  return { ...head, data };
}
