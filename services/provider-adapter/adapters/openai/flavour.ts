import type { z } from "zod";
import { extraPartTypes, extraToolTypes } from "../../../../shared/chat-extras.ts";
import type { FlavourOf, OpenaiFlavour } from "../../domain/flavour.ts";
import { createLabelFit, type LabelFit } from "../../domain/label-rule.ts";
import type { JsonObject } from "../../wire/json.ts";
import { type ErrorRule, inBandFailure } from "./errors.ts";
import { type FlavourConfig, flavourSchema } from "./flavour-config.ts";
import { flavours } from "./flavours/index.ts";
import { openModels } from "./flavours/open-models.ts";

/** A flavour, ready for use. */
export interface OpenFlavour {
  readonly of: FlavourOf;
  readonly authHeader: string;
  readonly requestIdHeaders: readonly string[];
  readonly errorRules: readonly ErrorRule[];
}

const base = {
  path: "/chat/completions",
  auth_header: "authorization",
  request_id_headers: [],
  stream_options: true,
  drop_fields: [],
  drop_message_fields: [],
  rename_fields: {},
  rename_values: {},
  add_when_whole: {},
  thinking_needs_stream: false,
  thinks: true,
  thinking_on: { enable_thinking: true },
  thinking_off: { enable_thinking: false },
  search_on: null,
  searches: true,
  // A vendor that is not known judges these by itself.
  extra_parts: [...extraPartTypes],
  extra_tools: [...extraToolTypes],
  effort_field: "reasoning_effort",
  effort_values: {},
  budget_field: "",
  reasoning_back: "never",
  reasoning_fields: ["reasoning_content"],
  // Servers of open models go by their models' templates, most of which take one system message, at the start.
  system_turns: "first",
  alternate_turns: false,
  user_first: false,
  user_after_tool: true,
  system_role: "system",
  developer_role: false,
  premium: false,
  max_tokens_field: "max_tokens",
  top_k: false,
  custom_tools: false,
  max_tool_description: 0,
  namespaces: false,
  plain_schemas: true,
  // OpenAI's own rule for names, which most who speak its format have, too.
  tool_names: { max_length: 64, characters: "a-zA-Z0-9_-" },
  call_ids: {},
  chat: true,
  responses: false,
  completions: false,
  max_embedding_inputs: 0,
  embeds_tokens: true,
  voices: {},
  modules: {},
  finish_reasons: {},
  errors: [],
  models: [],
} as const satisfies FlavourConfig;

/** Reads a channel's flavour. Throws an error that names the field. */
export function readFlavour(json: string): OpenFlavour {
  const given = flavourSchema.parse(json === "" ? {} : JSON.parse(json));
  const { vendor } = given;
  const named = vendor === undefined ? {} : flavours[vendor];
  if (named === undefined) {
    throw new Error(`unknown vendor '${vendor}' of a flavour; known are ${Object.keys(flavours).join(", ")}`);
  }
  const preset = flavourSchema.parse(named);
  const merged = merge(base, preset, given);
  const errorRules = [...(given.errors ?? []), ...(preset.errors ?? [])].map(({ status, code, message, means }) => ({
    status,
    code: code === undefined ? undefined : new RegExp(code, "i"),
    message: message === undefined ? undefined : new RegExp(message, "i"),
    means,
  }));
  const streamError = (error: JsonObject) => inBandFailure(error, errorRules);
  // A vendor's models differ from the vendor; the channel's own words for the vendor count for all of them but these.
  const models = [...(vendor === undefined ? openModels : (preset.models ?? [])), ...(given.models ?? [])].map(
    ({ match, ...differs }) => ({
      pattern: new RegExp(match, "i"),
      differs,
    }),
  );
  const known = new Map<string, OpenaiFlavour>();
  return {
    of(model) {
      let flavour = known.get(model);
      if (flavour === undefined) {
        const differing = models.filter(({ pattern }) => pattern.test(model)).map(({ differs }) => differs);
        // The lists of refused fields add up: a model's list does not let through what the channel's list holds back.
        const dropped = [merged, ...differing].flatMap(({ drop_fields = [] }) => drop_fields);
        flavour = toFlavour(
          vendor ?? "",
          merge(merged, ...differing, { drop_fields: [...new Set(dropped)] }),
          streamError,
        );
        // Names come from the channel's configuration, patterns apart: a bound keeps the memory small.
        if (known.size < 1_000) known.set(model, flavour);
      }
      return flavour;
    },
    authHeader: merged.auth_header.toLowerCase(),
    requestIdHeaders: merged.request_id_headers,
    errorRules,
  };
}

type Given = Omit<z.output<typeof flavourSchema>, "vendor" | "errors" | "models">;
type Merged = { [Field in keyof Given]-?: Exclude<Given[Field], undefined> };

/** Layers of a flavour, the later ones over the earlier ones; the first is complete. */
function merge(complete: object, ...layers: object[]): Merged {
  return Object.assign({}, complete, ...layers);
}

function toFlavour(vendor: string, given: Merged, streamError: OpenaiFlavour["streamError"]): OpenaiFlavour {
  return {
    path: given.path,
    streamOptions: given.stream_options,
    dropFields: given.drop_fields,
    dropMessageFields: given.drop_message_fields,
    renameFields: given.rename_fields,
    renameValues: given.rename_values,
    addWhenWhole: toTexts(given.add_when_whole),
    thinkingNeedsStream: given.thinking_needs_stream,
    thinks: given.thinks,
    thinkingOn: toTexts(given.thinking_on),
    thinkingOff: toTexts(given.thinking_off),
    searchOn: given.search_on === null ? undefined : toTexts(given.search_on),
    searches: given.searches,
    extraParts: given.extra_parts,
    extraTools: given.extra_tools,
    effortField: given.effort_field,
    effortValues: given.effort_values,
    budgetField: given.budget_field,
    reasoningBack: given.reasoning_back,
    reasoningFields: given.reasoning_fields,
    turns: {
      system: given.system_turns,
      alternate: given.alternate_turns,
      userFirst: given.user_first,
      userAfterTool: given.user_after_tool,
    },
    systemRole: given.system_role,
    developerRole: given.developer_role,
    premium: given.premium,
    maxTokensField: given.max_tokens_field,
    topK: given.top_k,
    customTools: given.custom_tools,
    maxToolDescription: given.max_tool_description,
    namespaces: given.namespaces,
    plainSchemas: given.plain_schemas,
    labels: { names: toLabelFit(given.tool_names), callIds: toLabelFit(given.call_ids) },
    chat: given.chat,
    responses: given.responses,
    completions: given.completions,
    maxEmbeddingInputs: given.max_embedding_inputs,
    embedsTokens: given.embeds_tokens,
    vendor,
    voices: given.voices,
    modules: given.modules,
    finishReasons: given.finish_reasons,
    streamError,
  };
}

function toLabelFit({ max_length, min_length, characters, first }: Merged["tool_names"]): LabelFit {
  return createLabelFit({
    maxLength: max_length ?? 0,
    minLength: min_length ?? 0,
    characters: characters ?? "",
    first: first ?? "",
  });
}

function toTexts(given: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, JSON.stringify(value)]));
}
