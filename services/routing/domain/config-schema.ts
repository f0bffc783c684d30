import { compile as compileExpression } from "@jmespath-community/jmespath";
import { z } from "zod";
import { moduleNames } from "../../../shared/modules.ts";
import { parseUsd } from "../../../shared/money/usd.ts";
import { baseUrlSchema } from "./base-url.ts";
import { capabilities } from "./capabilities.ts";
import { decimalText, pricesSchema, whenListSchema } from "./price-schema.ts";
import { preferences } from "./types.ts";

/** Name of a channel: it goes into metrics, logs and addresses. */
const channelName = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 letters, digits, '-', '_' or '.'");

/** Name of a group or strategy. */
const label = z.string().regex(/^[\w.:/@+-]{1,128}$/, "must be 1 to 128 letters, digits or any of . _ : / @ + -");

/** Name of a group, or `*` for all of them. */
const groupRef = z.string().regex(/^(\*|[\w.:/@+-]{1,128})$/, 'must be the name of a group, or "*"');

/** Name of a model: printable, without spaces; `*` only at its end. */
const modelName = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, "must be 1 to 200 printable characters without spaces")
  .regex(/^[^*]+\*?$/, "may have a '*' only at its end, after at least one other character");

/** In place of a name: whatever the upstream's own list names. */
export const wholeList = "*";

/** Name sent upstream. */
const upstreamName = z.string().regex(/^[\x21-\x7e]{1,200}$/, "must be 1 to 200 printable characters without spaces");

/** Parts per million of a ratio; 32 bits hold ratios up to 4,294. */
const ratioPpm = decimalText.transform((text, context) => {
  const nano = parseUsd(text);
  if (nano % 1_000n === 0n && nano <= 4_000n * 1_000_000_000n) return Number(nano / 1_000n);
  context.addIssue({ code: "custom", message: "must be 0 to 4000 with at most 6 decimals" });
  return z.NEVER;
});

const expression = z.string().superRefine((text, context) => {
  try {
    compileExpression(text);
  } catch (error) {
    context.addIssue({
      code: "custom",
      message: `is not a JMESPath expression: ${(error as Error).message.split("\n")[0]}`,
    });
  }
});

const tokens = z.int().min(0).max(1_000_000_000);
const timeoutMs = z.int().min(1).max(3_600_000);

export const groupSchema = z.strictObject({ name: label, ratio: ratioPpm.optional() });

export const strategySchema = z.strictObject({
  name: label,
  free: z.boolean().default(false),
  prices: pricesSchema.optional(),
  when: whenListSchema.default([]),
  /** True: its prices are those of the vendor's list; a name: another strategy's are. */
  list: z.union([z.literal(true), label]).optional(),
  custom_response: expression.default(""),
});

export const modelSchema = z.strictObject({
  name: modelName,
  module: z.enum(moduleNames).default("chat"),
  owned_by: z.string().max(64).default("throughline"),
  context_window: tokens.optional(),
  max_output: tokens.default(0),
  capabilities: z.array(z.enum(capabilities)).optional(),
  strategy: label.optional(),
  auto: z.strictObject({ prefer: z.enum(preferences), among: z.array(modelName).default([]) }).optional(),
});

const credentialSchema = z
  .strictObject({
    env: z
      .string()
      .regex(
        /^[A-Za-z_]\w*(:[A-Za-z_]\w*\??)*$/,
        "must be the name of an environment variable, or several with colons between",
      )
      .optional(),
    file: z.string().regex(/^\//, "must be an absolute path").optional(),
  })
  .refine((value) => (value.env === undefined) !== (value.file === undefined), "must have one of env and file")
  .transform((value) => (value.env !== undefined ? { env: value.env } : { file: value.file ?? "" }));

/** Headers that carry credentials or belong to the connection: not for configuration, which administrators list. */
const reservedHeaders = new Set(
  "authorization proxy-authorization x-api-key api-key x-goog-api-key cookie host content-length transfer-encoding connection upgrade te trailer".split(
    " ",
  ),
);

const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is not a header name")
  .refine(
    (name) => !reservedHeaders.has(name.toLowerCase()),
    "is set by the platform; secrets belong under credentials",
  );
const headerValue = z.string().regex(/^[\t\x20-\x7e]*$/, "must be printable ASCII");

const servedModel = { upstream: upstreamName.optional(), strategy: label.optional(), space: label.optional() };
const servedByName = z.strictObject({ name: modelName, ...servedModel });
const servedByList = { strategy: label.optional(), module: z.enum(moduleNames).optional() };
const listedByName = z.strictObject({
  name: z.literal(wholeList),
  upstream: z.literal(wholeList).optional(),
  ...servedByList,
});
const servedMap = z.record(
  z.union([z.literal(wholeList), modelName]),
  z.union([upstreamName, z.strictObject({ ...servedModel, ...servedByList })]),
);

/** Who runs batches, and what their lines cost where the vendor does. */
const batchesBy = z.enum(["own", "vendor"]);
const batchesSchema = z.union([
  batchesBy,
  z.strictObject({
    by: batchesBy,
    price_ratio: ratioPpm.optional(),
    list_ratio: ratioPpm.refine((ppm) => ppm > 0, "must be above 0").optional(),
  }),
]);

export const channelSchema = z.strictObject({
  name: channelName,
  adapter: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "must be the name of an adapter, such as openai"),
  platform: label.optional(),
  base_url: baseUrlSchema,
  credentials: z.array(credentialSchema).default([]),
  models: z.union([z.array(z.union([z.literal(wholeList), modelName, listedByName, servedByName])).min(1), servedMap]),
  groups: z.preprocess((value) => (value === "*" ? ["*"] : value), z.array(groupRef).min(1)).default(["default"]),
  priority: z.int().min(-1_000_000).max(1_000_000).default(0),
  weight: z.int().min(0).max(1_000_000).default(1),
  enabled: z.boolean().default(true),
  timeouts: z
    .strictObject({
      connect_ms: timeoutMs.optional(),
      headers_ms: timeoutMs.optional(),
      first_token_ms: timeoutMs.optional(),
      chunk_ms: timeoutMs.optional(),
      body_ms: timeoutMs.optional(),
    })
    .default({}),
  batches: batchesSchema.default("own"),
  headers: z.record(headerName, headerValue).default({}),
  request_id_header: z
    .string()
    .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]*$/, 'must be a header name, or "-" for none')
    .default(""),
  flavour: z.record(z.string(), z.unknown()).default({}),
});

/** The configuration file. */
export const fileSchema = z.strictObject({
  presets: z.boolean().default(true),
  groups: z.array(groupSchema).default([]),
  strategies: z.array(strategySchema).default([]),
  models: z.array(modelSchema).default([]),
  aliases: z.record(modelName, modelName).default({}),
  channels: z.array(channelSchema).default([]),
});

export type FileConfig = z.output<typeof fileSchema>;
export type ChannelConfig = z.output<typeof channelSchema>;
export type StrategyConfig = z.output<typeof strategySchema>;
export type ModelConfig = z.output<typeof modelSchema>;
