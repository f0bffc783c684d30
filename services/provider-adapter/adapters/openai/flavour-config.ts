import { z } from "zod";
import { extraPartTypes, extraToolTypes } from "../../../../shared/chat-extras.ts";
import { moduleNames } from "../../../../shared/modules.ts";
import { errorMeanings } from "./errors.ts";

const fields = z.record(z.string(), z.unknown());
const words = z.record(z.string(), z.string());

/** What a label may be; what is not said is not bounded. */
const labelRule = z.strictObject({
  max_length: z.number().int().min(0).optional(),
  min_length: z.number().int().min(0).optional(),
  /** The inside of a regular expression's class, e.g. "a-zA-Z0-9_-". */
  characters: z.string().refine(isClass, "is not the inside of a class of characters").optional(),
  first: z.string().refine(isClass, "is not the inside of a class of characters").optional(),
});

function isClass(text: string): boolean {
  try {
    return new RegExp(`[${text}]`, "u").source !== "";
  } catch {
    return false;
  }
}

const modelShape = {
  stream_options: z.boolean(),
  drop_fields: z.array(z.string()),
  drop_message_fields: z.array(z.string()),
  rename_fields: words,
  rename_values: z.record(z.string(), words),
  add_when_whole: fields,
  thinking_needs_stream: z.boolean(),
  thinks: z.boolean(),
  thinking_on: fields,
  thinking_off: fields,
  search_on: fields.nullable(),
  searches: z.boolean(),
  extra_parts: z.array(z.enum(extraPartTypes)),
  extra_tools: z.array(z.enum(extraToolTypes)),
  effort_field: z.string(),
  effort_values: words,
  budget_field: z.string(),
  reasoning_back: z.enum(["never", "tool_turns", "always"]),
  reasoning_fields: z.array(z.string()).min(1),
  system_turns: z.enum(["anywhere", "first", "never"]),
  alternate_turns: z.boolean(),
  user_first: z.boolean(),
  user_after_tool: z.boolean(),
  system_role: z.enum(["system", "developer"]),
  developer_role: z.boolean(),
  premium: z.boolean(),
  max_tokens_field: z.string(),
  top_k: z.boolean(),
  custom_tools: z.boolean(),
  /** Characters. 0: not bounded. */
  max_tool_description: z.number().int().min(0),
  namespaces: z.boolean(),
  plain_schemas: z.boolean(),
  tool_names: labelRule,
  call_ids: labelRule,
  chat: z.boolean(),
  responses: z.boolean(),
  completions: z.boolean(),
  /** Most inputs of one request for embeddings. 0: as many as clients may send. */
  max_embedding_inputs: z.number().int().min(0),
  /** Inputs of embeddings may be tokens, as numbers. */
  embeds_tokens: z.boolean(),
  /** Names of voices that clients may say, and what the vendor calls them. */
  voices: words,
  modules: z.partialRecord(
    z.enum(moduleNames),
    z.strictObject({
      path: z.string().optional(),
      shape: z.string().optional(),
      base: z.tuple([z.string(), z.string()]).optional(),
    }),
  ),
  finish_reasons: words,
};

const errorRule = z.strictObject({
  status: z.number().int().optional(),
  /** Regular expressions, without regard to case. */
  code: z.string().optional(),
  message: z.string().optional(),
  means: z.enum(errorMeanings),
});

/**
 * A channel's `flavour` in the configuration: how its vendor differs from OpenAI. `vendor` starts from a named flavour;
 * what else is given takes the place of that flavour's own.
 */
export const flavourSchema = z.strictObject({
  vendor: z.string().optional(),
  ...z.strictObject(modelShape).partial().shape,
  /** Behind the base URL; `{model}` stands for the model. */
  path: z.string().optional(),
  /** Header of the credential; "authorization" carries it as a Bearer. */
  auth_header: z.string().optional(),
  /** Response headers that carry the request ID, before the usual ones. */
  request_id_headers: z.array(z.string()).optional(),
  errors: z.array(errorRule).optional(),
  /** What differs for models whose name matches; later ones win. */
  models: z.array(z.strictObject({ match: z.string(), ...z.strictObject(modelShape).partial().shape })).optional(),
});

/** The fields of a flavour, for what describes them. */
export const flavourFields: readonly string[] = Object.keys(flavourSchema.shape);

/** A flavour as configuration and vendor files write it. */
export type FlavourConfig = z.input<typeof flavourSchema>;
