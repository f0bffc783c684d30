import type { Finish } from "../neutral/answer.ts";

const reasons: Readonly<Record<Finish, string>> = {
  stop: "STOP",
  stop_sequence: "STOP",
  length: "MAX_TOKENS",
  // The format has no word of its own for it: a client looks for calls among the parts.
  tool_calls: "STOP",
  content_filter: "SAFETY",
  refusal: "SAFETY",
  pause: "OTHER",
  context_window: "MAX_TOKENS",
};

/** The format's word for a finish. */
export function finishReasonOf(finish: Finish): string {
  return reasons[finish];
}
