import { asArray, asString, type JsonObject } from "../../../wire/json.ts";
import type { Note } from "../neutral/formats.ts";
import { defaultReasoning, isEffort, type Reasoning } from "../neutral/reasoning.ts";
import type { NeutralRequest, OutputShape } from "../neutral/request.ts";
import { field, numberField, objectField } from "./fields.ts";
import { toJsonSchema } from "./json-schema.ts";

/** Fields of `generationConfig` that are read. */
const known: ReadonlySet<string> = new Set([
  ...["maxOutputTokens", "temperature", "topP", "topK", "candidateCount", "stopSequences", "seed"],
  ...["presencePenalty", "frequencyPenalty", "responseLogprobs", "logprobs", "responseModalities", "thinkingConfig"],
  ...["responseMimeType", "responseSchema", "responseJsonSchema"],
]);

/** What of `generationConfig` is a field of the neutral request. */
type Config = Pick<
  NeutralRequest,
  | "maxTokens"
  | "temperature"
  | "topP"
  | "topK"
  | "choices"
  | "stop"
  | "seed"
  | "presencePenalty"
  | "frequencyPenalty"
  | "logprobs"
  | "topLogprobs"
  | "modalities"
  | "reasoning"
  | "output"
>;

/** Reads `generationConfig`. What of it no other format has is noted. */
export function parseConfig(config: JsonObject | undefined, note: Note): Config {
  for (const [name, value] of Object.entries(config ?? {})) {
    const camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (!known.has(camel) && value !== null)
      note(`generationConfig.${camel.slice(0, 64)} dropped: this model has none`);
  }
  return {
    maxTokens: numberField(config, "maxOutputTokens"),
    temperature: numberField(config, "temperature"),
    topP: numberField(config, "topP"),
    topK: numberField(config, "topK"),
    choices: numberField(config, "candidateCount") ?? 1,
    stop: asArray(field(config, "stopSequences")).filter((item) => typeof item === "string"),
    seed: numberField(config, "seed"),
    presencePenalty: numberField(config, "presencePenalty"),
    frequencyPenalty: numberField(config, "frequencyPenalty"),
    logprobs: field(config, "responseLogprobs") === true ? true : undefined,
    topLogprobs: numberField(config, "logprobs"),
    modalities: modalitiesOf(asArray(field(config, "responseModalities"))),
    reasoning: parseReasoning(objectField(config, "thinkingConfig")),
    output: parseOutput(config),
  };
}

/** Text alone is what every model gives. */
function modalitiesOf(given: readonly unknown[]): readonly string[] {
  const names = given.flatMap((one) => (typeof one === "string" ? [one.toLowerCase()] : []));
  return names.every((name) => name === "text") ? [] : names;
}

function parseReasoning(thinking: JsonObject | undefined): Reasoning {
  const budgetTokens = numberField(thinking, "thinkingBudget");
  const effort = (asString(field(thinking, "thinkingLevel")) ?? "").toLowerCase();
  if (budgetTokens === 0) return { mode: "off" };
  const isSaid = budgetTokens !== undefined || isEffort(effort);
  if (!isSaid) return defaultReasoning;
  // It is shown where that is asked for, and not otherwise.
  const show = field(thinking, "includeThoughts") === true;
  return {
    mode: "on",
    show,
    ...(budgetTokens === undefined ? {} : { budgetTokens }),
    ...(isEffort(effort) && effort !== "none" ? { effort } : {}),
  };
}

function parseOutput(config: JsonObject | undefined): OutputShape | undefined {
  const schema = objectField(config, "responseJsonSchema");
  const open = objectField(config, "responseSchema");
  if (schema !== undefined) return { kind: "schema", schema };
  if (open !== undefined) return { kind: "schema", schema: toJsonSchema(open) };
  return field(config, "responseMimeType") === "application/json" ? { kind: "json" } : undefined;
}
