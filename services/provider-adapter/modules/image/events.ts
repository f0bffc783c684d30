import { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { AnswerFacts, Asked, StreamTranslation, UpstreamEvent } from "../../domain/exchange.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";
import { imageDocument } from "./document.ts";
import type { ImageFormat, MadeImage } from "./format.ts";
import type { ImageRequest, ImageTask } from "./request.ts";
import { imageUsage, readImageCounts, sumOfCounts } from "./usage.ts";

/** What the names of events begin with. */
const prefixes: Readonly<Record<ImageTask, string>> = { generation: "image_generation.", edit: "image_edit." };

/** Images that an upstream sends as OpenAI's events, partial ones before the whole: they go on as they come. */
export function createImageEvents(
  asked: Asked,
  request: ImageRequest,
  { inBandError }: Pick<ImageFormat, "inBandError">,
): StreamTranslation {
  const completed: JsonObject[] = [];
  let chunks = 0;

  function facts(): AnswerFacts {
    const last = completed.at(-1);
    const usage = imageUsage(asked, request, {
      // One that broke off after a partial image was begun, and costs.
      images: completed.length || (chunks > 0 ? 1 : 0),
      size: asString(last?.size) ?? request.size,
      quality: asString(last?.quality) ?? request.quality,
      // Each image is counted in its own event.
      counts: sumOfCounts(completed.map(({ usage: own }) => readImageCounts(asObject(own)))),
    });
    return { usage, finishReason: "", messageId: "", responseModel: "" };
  }

  function take(said: JsonObject): void {
    const error = asObject(said.error) ?? (said.type === "error" ? said : undefined);
    if (error !== undefined) throw inBandError(error);
    chunks += 1;
    if (asString(said.type)?.endsWith(".completed") !== true) return;
    const { usage, size, quality, output_format, created_at, created, b64_json } = said;
    completed.push({ usage, size, quality, output_format, created: created_at ?? created, b64_json });
  }

  return {
    event({ event, data }) {
      if (data === "" || data.startsWith("[DONE]")) return "";
      const said = asObject(parseJson(data));
      if (said === undefined) {
        throw new ThroughlineError("upstream_error", "The upstream failed: it sent an event that is not valid JSON");
      }
      take(said);
      return eventText(event, data, request.task);
    },
    hasContent: () => chunks > 0,
    end: () => "",
    isComplete: () => completed.length > 0,
    facts,
    document() {
      const [first] = completed;
      if (!asked.keepResponse || first === undefined) return { body: new Uint8Array(), truncated: false };
      const { b64_json: _bytes, ...head } = first;
      const data = completed.map(({ b64_json }) => ({ b64_json }));
      return { body: imageDocument({ ...head, data }), truncated: false };
    },
    contentChunks: () => chunks,
  };
}

/** The text of an event, by the name that it has for what was asked: some vendors call all of them generation. */
function eventText(event: string | undefined, data: string, task: ImageTask): string {
  const other = prefixes[task === "edit" ? "generation" : "edit"];
  const named = data.replace(`"${other}`, `"${prefixes[task]}`);
  return `${event === undefined ? "" : `event: ${event.replace(other, prefixes[task])}\n`}data: ${named}\n\n`;
}

/** A whole answer as the events that the client asked for; the last one has the usage. */
export function completedEvents(
  images: readonly MadeImage[],
  { created, usage, data: _data, ...head }: JsonObject,
  task: ImageTask,
): UpstreamEvent[] {
  const type = `${prefixes[task]}completed`;
  return images.map(({ base64 }, place) => ({
    event: type,
    data: JSON.stringify({
      type,
      b64_json: base64,
      created_at: created,
      ...head,
      ...(usage === undefined || place < images.length - 1 ? {} : { usage }),
    }),
  }));
}
