import type { Note } from "../../../modules/chat/neutral/formats.ts";
import { effortOf, type Reasoning } from "../../../modules/chat/neutral/reasoning.ts";
import { type NeutralRequest, pathOf } from "../../../modules/chat/neutral/request.ts";
import type { JsonObject } from "../../../wire/json.ts";
import { writeThinking } from "../../anthropic/reasoning.ts";
import type { Family, ThinkingWay } from "../models.ts";
import type { Turn } from "./write-messages.ts";

/** How a wish for thinking is said. */
export interface WrittenThinking {
  /** For `additionalModelRequestFields`. */
  readonly fields: JsonObject;
  /** `outputConfig.effort`. */
  readonly effort?: string | undefined;
  /** What cannot be set beside it. */
  readonly excludes: "nothing" | "sampling" | "sampling and bounds";
}

const none: WrittenThinking = { fields: {}, excludes: "nothing" };

/** Efforts that the models with words of their own know. */
const words = { minimal: "low", low: "low", medium: "medium", high: "high", xhigh: "high", max: "high" } as const;

interface Wish {
  readonly request: NeutralRequest;
  readonly reasoning: Reasoning;
  readonly family: Family;
  readonly turns: readonly Turn[];
  readonly path: string;
  readonly note: Note;
}

const ways: Readonly<Record<ThinkingWay, (wish: Wish) => WrittenThinking>> = {
  none({ reasoning, path, note }) {
    if (reasoning.mode === "on") note(`${path} dropped: this model's thinking cannot be chosen`);
    return none;
  },
  effort({ reasoning }) {
    const effort = reasoning.mode === "on" ? effortOf(reasoning) : undefined;
    return effort === undefined ? none : { fields: { reasoning_effort: words[effort] }, excludes: "nothing" };
  },
  nova({ reasoning }) {
    if (reasoning.mode !== "on") return none;
    const maxReasoningEffort = words[effortOf(reasoning) ?? "medium"];
    return {
      fields: { reasoningConfig: { type: "enabled", maxReasoningEffort } },
      excludes: maxReasoningEffort === "high" ? "sampling and bounds" : "nothing",
    };
  },
  anthropic(wish) {
    const { request, reasoning, family, path, note } = wish;
    if (family.claude === undefined) return none;
    const bound = Math.min(request.maxTokens ?? Number.POSITIVE_INFINITY, family.claude.maxOutputTokens);
    const written = writeThinking(reasoning, family.claude, bound, path, note);
    const why = written.on && written.thinking !== undefined ? hindrance(wish, written.thinking) : undefined;
    if (why !== undefined) {
      note(`${path} dropped: ${why}`);
      return family.claude.thinksByDefault ? { fields: { thinking: { type: "disabled" } }, excludes: "nothing" } : none;
    }
    return {
      fields: written.thinking === undefined ? {} : { thinking: written.thinking },
      effort: written.effort,
      excludes: written.on && written.thinking !== undefined ? "sampling" : "nothing",
    };
  },
};

/** Writes a wish for thinking as the model's family takes it. */
export function thinkingOf(
  request: NeutralRequest,
  family: Family,
  turns: readonly Turn[],
  note: Note,
): WrittenThinking {
  const { reasoning } = request;
  return ways[family.thinking]({ request, reasoning, family, turns, path: pathOf(request, "reasoning"), note });
}

/** Why Claude would refuse to think. */
function hindrance({ request, turns }: Wish, thinking: JsonObject): string | undefined {
  const choice = request.toolChoice?.kind;
  if (choice === "required" || choice === "named") return "the model cannot think where a call is required";
  if (turns.at(-1)?.role === "assistant") return "the model cannot think in an answer that is begun for it";
  const last = turns.findLast(({ role }) => role === "assistant")?.content ?? [];
  const goesOn = turns.at(-1)?.content.some((block) => "toolResult" in block) === true;
  const called = last.some((block) => "toolUse" in block);
  const isSigned = last[0] !== undefined && "reasoningContent" in last[0];
  if (thinking.type === "enabled" && goesOn && called && !isSigned) {
    return "the signed thinking of the turn that called tools was not sent back";
  }
  return undefined;
}
