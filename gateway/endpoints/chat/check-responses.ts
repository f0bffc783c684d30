import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { ResponsesBody } from "./schemas/responses.ts";

/**
 * What a schema cannot say: something must be answered, and what is answered in the background must be kept until it is asked for.
 * Throws missing_required_field or invalid_value with the path.
 *
 * @param isKept whether the answer is kept; one that is only counted is not made at all.
 */
export function checkResponses(body: ResponsesBody, isKept = true): void {
  const context = body.input ?? body.prompt ?? body.previous_response_id ?? body.conversation;
  if (context === undefined || context === null) {
    throw new ThroughlineError("missing_required_field", "input is required.", { param: "input" });
  }
  if (body.background === true) checkBackground(body, isKept);
  for (const [index, item] of Array.isArray(body.input) ? body.input.entries() : []) {
    if (!Array.isArray(item.content)) continue;
    for (const [place, part] of item.content.entries()) {
      const path = `input[${index}].content[${place}].image_url`;
      const given: unknown = part.image_url ?? part.file_id;
      if (part.type === "input_image" && (given === undefined || given === null)) {
        throw new ThroughlineError("missing_required_field", `${path} is required.`, { param: path });
      }
    }
  }
}

function checkBackground({ stream, store }: ResponsesBody, isKept: boolean): void {
  if (stream === true) {
    const message = "A response in the background has no stream: ask for it by GET /v1/responses/{id}.";
    throw new ThroughlineError("invalid_value", message, { param: "stream" });
  }
  if (store === false) {
    throw new ThroughlineError("invalid_value", "A response in the background must be stored.", { param: "store" });
  }
  if (!isKept) {
    const message = "The account keeps no answers, so none can be given in the background.";
    throw new ThroughlineError("invalid_value", message, { param: "background" });
  }
}
