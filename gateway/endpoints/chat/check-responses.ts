import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { ResponsesBody } from "./schemas/responses.ts";

/**
 * What a schema cannot say: something must be answered, and answers are given on the call itself. Throws
 * missing_required_field or invalid_value with the path.
 */
export function checkResponses(body: ResponsesBody): void {
  const context = body.input ?? body.prompt ?? body.previous_response_id ?? body.conversation;
  if (context === undefined || context === null) {
    throw new ThroughlineError("missing_required_field", "input is required.", { param: "input" });
  }
  if (body.background === true) {
    // It would be answered by GET /v1/responses/{id}, which there is not: the work would be paid and never seen.
    throw new ThroughlineError("invalid_value", "background must be false: answers are given on the call itself.", {
      param: "background",
    });
  }
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
