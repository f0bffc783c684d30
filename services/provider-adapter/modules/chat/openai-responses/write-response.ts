import type { BillableUsage } from "../../../../../shared/money/usage.ts";
import { asArray, asObject, type JsonObject } from "../../../wire/json.ts";
import type { AnswerPart, Finish, NeutralAnswer, RefusalReason } from "../neutral/answer.ts";
import type { AnswerEnd, AnswerHead } from "../neutral/formats.ts";
import { toldUsage } from "../neutral/further.ts";
import type { Keeping } from "./keeping.ts";
import type { Namespaces } from "./namespaces.ts";
import { writeItems } from "./write-items.ts";

/** How a response stands. */
export type ResponseStatus = "in_progress" | "completed" | "incomplete";

/** Why an answer is not complete; undefined: it is. */
const incompleteReasons: Readonly<Record<Finish, string | undefined>> = {
  stop: undefined,
  stop_sequence: undefined,
  tool_calls: undefined,
  pause: undefined,
  length: "max_output_tokens",
  context_window: "max_output_tokens",
  content_filter: "content_filter",
  refusal: "content_filter",
};

/** The status of an answer that ended so; undefined: it ended without a word. */
export function statusOf(finish: Finish | undefined): "completed" | "incomplete" {
  return finish !== undefined && incompleteReasons[finish] !== undefined ? "incomplete" : "completed";
}

/** This dialect's word for a finish: the status, or why it is not complete; empty: unknown. */
export function reasonOf(finish: Finish | undefined): string {
  if (finish === undefined) return "";
  return incompleteReasons[finish] ?? "completed";
}

/** A whole response. `placeOf`: where the tools that it calls stand; absent: in no namespace. */
export function writeResponse(
  body: JsonObject,
  answer: NeutralAnswer,
  head: AnswerHead & Partial<Keeping>,
  end: AnswerEnd,
  placeOf: Namespaces["placeOf"] = (name) => ({ name }),
): JsonObject {
  const [choice] = answer.choices;
  const status = statusOf(choice?.finish);
  const logprobs = asArray(asObject(choice?.logprobs)?.content);
  const output = writeItems(head.id, withReason(choice?.parts ?? [], choice?.refused), status, { logprobs, placeOf });
  return responseFrame(body, head, status, output, {
    usage: end.usage,
    finish: choice?.finish,
    refused: choice?.refused,
  });
}

/** The parts with the vendor's explanation of a refusal, where the model said nothing of it. */
function withReason(parts: readonly AnswerPart[], refused: RefusalReason | undefined): readonly AnswerPart[] {
  const text = refused?.explanation;
  const isSaid = text === undefined || parts.some((part) => part.type === "refusal");
  return isSaid ? parts : [...parts, { type: "refusal", text }];
}

/**
 * A response around its output, with every field that clients of the format know; what the client asked comes back on it.
 *
 * @param end absent: it is still under way.
 */
export function responseFrame(
  body: JsonObject,
  head: AnswerHead & Partial<Keeping>,
  status: ResponseStatus,
  output: readonly JsonObject[],
  end?: {
    readonly usage: BillableUsage;
    readonly finish: Finish | undefined;
    readonly refused?: RefusalReason | undefined;
  },
): JsonObject {
  const reason = end?.finish === undefined ? undefined : incompleteReasons[end.finish];
  const reasoning = asObject(body.reasoning);
  const text = asObject(body.text);
  return {
    id: head.id,
    object: "response",
    created_at: head.createdUnixS,
    status,
    background: head.background ?? false,
    error: null,
    // The format has no field for the kind of a refusal.
    incomplete_details: reason === undefined ? null : { reason, category: end?.refused?.category },
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: body.max_tool_calls ?? null,
    model: head.model,
    output,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: head.previousId ?? null,
    prompt_cache_key: body.prompt_cache_key ?? null,
    reasoning: { effort: reasoning?.effort ?? null, summary: reasoning?.summary ?? null },
    safety_identifier: body.safety_identifier ?? null,
    service_tier: "default",
    store: head.stored ?? false,
    temperature: body.temperature ?? 1,
    text: { ...text, format: text?.format ?? { type: "text" } },
    tool_choice: body.tool_choice ?? "auto",
    tools: body.tools ?? [],
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: "disabled",
    usage: end === undefined ? null : writeUsage(end.usage),
    user: body.user ?? null,
    metadata: body.metadata ?? {},
  };
}

/** The parts of a usage as this format counts them: cached tokens are of the input, reasoning is of the output. */
export function writeUsage(usage: BillableUsage): JsonObject {
  const { fresh, cached, written, output, reasoning } = toldUsage(usage);
  const input = fresh + cached + written;
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: cached,
      cache_write_tokens: written,
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  };
}
