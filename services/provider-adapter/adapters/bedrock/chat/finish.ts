import type { Finish, RefusalReason } from "../../../modules/chat/neutral/answer.ts";

const finishes: Readonly<Record<string, Finish>> = {
  end_turn: "stop",
  stop_sequence: "stop_sequence",
  max_tokens: "length",
  tool_use: "tool_calls",
  guardrail_intervened: "content_filter",
  content_filtered: "content_filter",
  refusal: "refusal",
  pause_turn: "pause",
  model_context_window_exceeded: "context_window",
};

/** What ends an answer that went wrong: without any content it is none. */
const failures: ReadonlySet<string> = new Set(["malformed_model_output", "malformed_tool_use"]);

/** The finish of a stop reason; one that is new ends the answer like any other. */
export function finishOf(reason: string): Finish {
  return finishes[reason] ?? "stop";
}

/** Why an answer was filtered: by a guardrail of the account, or by the vendor. */
export function refusedOf(reason: string): RefusalReason | undefined {
  if (reason === "guardrail_intervened") {
    return { category: reason, explanation: "A guardrail of the platform's account at the upstream stepped in." };
  }
  return reason === "content_filtered" ? { category: reason } : undefined;
}

/** Whether a reason means that the answer went wrong. */
export function isFailure(reason: string): boolean {
  return failures.has(reason);
}
