import { createJsonEnd } from "../../../wire/json-end.ts";
import type { Emit, NeutralEvent } from "./events.ts";

interface Held {
  readonly choice: number;
  readonly call: number;
  readonly pieces: string[];
  readonly isWhole: () => boolean;
  readonly rewrite: (input: string) => string;
}

/**
 * Rewrites the arguments of some calls of a stream: they are held back until they are whole, and then come in one piece. Calls
 * whose pieces interleave do not disturb each other; what never becomes JSON comes before the finish.
 *
 * @param rewriteOf how the arguments of calls of a tool are rewritten; undefined: they stay, and come as they come.
 */
export function createHeldInputs(
  rewriteOf: (name: string) => ((input: string) => string) | undefined,
): (step: NeutralEvent, emit: Emit) => void {
  const open = new Map<string, Held>();

  function release(key: string, { choice, call, pieces, rewrite }: Held, emit: Emit): void {
    open.delete(key);
    emit({ type: "tool_input", choice, call, text: rewrite(pieces.join("")) });
  }

  return (step, emit) => {
    if (step.type === "tool_input") {
      const key = `${step.choice} ${step.call}`;
      const held = open.get(key);
      if (held === undefined) emit(step);
      else {
        held.pieces.push(step.text);
        if (held.isWhole()) release(key, held, emit);
      }
      return;
    }
    if (step.type === "finish") {
      for (const [key, held] of open) if (held.choice === step.choice) release(key, held, emit);
    }
    emit(step);
    const rewrite = step.type === "tool_call" ? rewriteOf(step.name) : undefined;
    if (step.type !== "tool_call" || rewrite === undefined) return;
    const pieces: string[] = [];
    const { choice, call } = step;
    open.set(`${choice} ${call}`, { choice, call, pieces, isWhole: createJsonEnd(pieces), rewrite });
  };
}
