import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { CompletionsBody } from "./schemas/completions.ts";

/** Checks how the parameters go together, which a schema cannot say. Throws invalid_value with the path. */
export function checkCompletions(body: CompletionsBody): void {
  const { best_of: bestOf, n, stream } = body;
  if (typeof bestOf === "number" && bestOf < (n ?? 1)) {
    throw new ThroughlineError("invalid_value", "best_of must be at least n.", { param: "best_of" });
  }
  if (typeof bestOf === "number" && bestOf > 1 && stream === true) {
    throw new ThroughlineError("invalid_value", "best_of must be 1 when stream is true.", { param: "best_of" });
  }
  if (body.stream_options && stream !== true) {
    throw new ThroughlineError("invalid_value", "stream_options is only allowed when stream is true.", {
      param: "stream_options",
    });
  }
}

/** Answers that are generated: those asked for, or tried, of every prompt. */
export function completionChoices({ prompt, n, best_of: bestOf }: CompletionsBody): number {
  const prompts = Array.isArray(prompt) && typeof prompt[0] !== "number" ? prompt.length : 1;
  return prompts * Math.max(n ?? 1, bestOf ?? 1);
}
