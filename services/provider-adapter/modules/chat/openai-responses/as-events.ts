import { errorIn } from "../../../domain/error-in-answer.ts";
import type { UpstreamEvent } from "../../../domain/exchange.ts";
import { parseExact } from "../../../wire/exact-json.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";

type Step = readonly [type: string, fields: JsonObject];

/** A whole response as the events of a stream, each item in as few as it takes. Undefined: it is no answer. */
export function responseEvents(body: Buffer): readonly UpstreamEvent[] | undefined {
  const response = asObject(parseExact(body.toString()));
  if (response === undefined || errorIn(response) !== undefined || !Array.isArray(response.output)) return undefined;
  const begun = { ...response, status: "in_progress", output: [], usage: null, incomplete_details: null };
  const ending = response.status === "incomplete" ? "response.incomplete" : "response.completed";
  const steps: Step[] = [
    ["response.created", { response: begun }],
    ["response.in_progress", { response: begun }],
    ...response.output.flatMap((item: unknown, index) => itemSteps(asObject(item) ?? {}, index)),
    [ending, { response }],
  ];
  return steps.map(([type, fields], sequence) => ({
    event: type,
    data: JSON.stringify({ type, sequence_number: sequence, ...fields }),
  }));
}

function itemSteps(item: JsonObject, index: number): Step[] {
  const place = { item_id: item.id, output_index: index };
  const begun = { ...item, status: "in_progress", ...emptied(item) };
  return [
    ["response.output_item.added", { output_index: index, item: begun }],
    ...insideOf(item, place),
    ["response.output_item.done", { output_index: index, item }],
  ];
}

function emptied(item: JsonObject): JsonObject {
  switch (item.type) {
    case "message":
      return { content: [] };
    case "reasoning":
      return { summary: [] };
    case "function_call":
      return { arguments: "" };
    case "custom_tool_call":
      return { input: "" };
    default:
      return {};
  }
}

function insideOf(item: JsonObject, place: JsonObject): Step[] {
  switch (item.type) {
    case "message":
      return asArray(item.content).flatMap((part, at) =>
        partSteps(asObject(part) ?? {}, { ...place, content_index: at }),
      );
    case "reasoning":
      return asArray(item.summary).flatMap((part, at) =>
        summarySteps(asObject(part) ?? {}, { ...place, summary_index: at }),
      );
    case "function_call":
      return inputSteps("response.function_call_arguments", "arguments", item, place);
    case "custom_tool_call":
      return inputSteps("response.custom_tool_call_input", "input", item, place);
    default:
      return [];
  }
}

function inputSteps(type: string, field: string, item: JsonObject, place: JsonObject): Step[] {
  const text = asString(item[field]) ?? "";
  return [
    [`${type}.delta`, { ...place, delta: text }],
    [`${type}.done`, { ...place, name: item.name, [field]: text }],
  ];
}

function partSteps(part: JsonObject, place: JsonObject): Step[] {
  const isRefusal = part.type === "refusal";
  const field = isRefusal ? "refusal" : "text";
  const type = isRefusal ? "response.refusal" : "response.output_text";
  const text = asString(part[field]) ?? "";
  const logprobs = isRefusal ? {} : { logprobs: asArray(part.logprobs) };
  const empty = isRefusal ? { ...part, refusal: "" } : { ...part, text: "", annotations: [] };
  return [
    ["response.content_part.added", { ...place, part: empty }],
    [`${type}.delta`, { ...place, delta: text, ...logprobs }],
    [`${type}.done`, { ...place, [field]: text, ...logprobs }],
    ["response.content_part.done", { ...place, part }],
  ];
}

function summarySteps(part: JsonObject, place: JsonObject): Step[] {
  const text = asString(part.text) ?? "";
  return [
    ["response.reasoning_summary_part.added", { ...place, part: { ...part, text: "" } }],
    ["response.reasoning_summary_text.delta", { ...place, delta: text }],
    ["response.reasoning_summary_text.done", { ...place, text }],
    ["response.reasoning_summary_part.done", { ...place, part }],
  ];
}
