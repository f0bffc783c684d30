import type { Finish } from "../neutral/answer.ts";

const stopReasons: Readonly<Record<Finish, string>> = {
  stop: "end_turn",
  stop_sequence: "stop_sequence",
  length: "max_tokens",
  tool_calls: "tool_use",
  content_filter: "refusal",
  refusal: "refusal",
  pause: "pause_turn",
  context_window: "model_context_window_exceeded",
};

const finishes: Readonly<Record<string, Finish>> = {
  end_turn: "stop",
  stop_sequence: "stop_sequence",
  max_tokens: "length",
  tool_use: "tool_calls",
  refusal: "refusal",
  pause_turn: "pause",
  model_context_window_exceeded: "context_window",
};

/** The format's word for a finish. */
export function stopReasonOf(finish: Finish): string {
  return stopReasons[finish];
}

/** The finish of an answer in which the model said that it declines: other formats have no reason of their own for it. */
export function withRefusal(finish: Finish | undefined, said: string): Finish | undefined {
  return said !== "" && finish === "stop" ? "refusal" : finish;
}

/** The finish of a stop reason; undefined: none yet. One that is new ends the answer like any other. */
export function finishOf(stopReason: unknown): Finish | undefined {
  if (typeof stopReason !== "string") return undefined;
  return finishes[stopReason] ?? "stop";
}
