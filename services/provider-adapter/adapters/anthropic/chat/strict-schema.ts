import { describedBy, mapSchema, mapSchemas, mapVariants } from "../../../modules/chat/neutral/schema-words.ts";
import { asArray, asString, type JsonObject } from "../../../wire/json.ts";

/** Formats of texts that the vendor holds a model to (its SDKs: transformJSONSchema). */
const formats: ReadonlySet<unknown> = new Set([
  ...["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"],
]);

/** A schema as the vendor's structured output takes it. */
export interface StrictSchema {
  readonly schema: JsonObject;
  /** True: words that it refuses stand in descriptions now. */
  readonly moved: boolean;
}

/**
 * A schema in the words that the vendor's structured output and its strict tools know: every object says that it takes no
 * other properties, `oneOf` is `anyOf`, and the words that would be refused (bounds, patterns, defaults) go into the
 * description, as the vendor's own SDKs do it.
 */
export function strictSchema(schema: JsonObject): StrictSchema {
  const state = { moved: false };
  return { schema: convert(schema, state), moved: state.moved };
}

function convert(given: JsonObject, state: { moved: boolean }): JsonObject {
  const { $schema: _dialect, $defs, definitions, $ref, type, anyOf, oneOf, allOf, description, title, ...more } = given;
  const {
    enum: values,
    const: value,
    properties,
    additionalProperties,
    required,
    items,
    format,
    minItems,
    ...words
  } = more;
  const below = (schema: JsonObject) => convert(schema, state);
  const defined = present({ $defs: mapSchemas($defs, below), definitions: mapSchemas(definitions, below) });
  if (typeof $ref === "string") return { ...defined, $ref };
  const types = typeof type === "string" ? [type] : asArray(type);
  const isObject = types.includes("object") || (type === undefined && properties !== undefined);
  const isEnum = Array.isArray(values) && values.every(isPlain);
  const isConst = value !== undefined && isPlain(value);
  const takesFormat = formats.has(format);
  const takesMinItems = minItems === 0 || minItems === 1;
  const variants = anyOf ?? oneOf;
  const left = present({
    ...words,
    ...(isEnum ? {} : { enum: values }),
    ...(isConst ? {} : { const: value }),
    ...(takesFormat ? {} : { format }),
    ...(takesMinItems ? {} : { minItems }),
    ...(isObject && additionalProperties !== false ? { additionalProperties } : {}),
    ...(anyOf !== undefined ? { oneOf } : {}),
    ...(variants !== undefined ? { allOf } : {}),
  });
  if (Object.keys(left).length > 0) state.moved = true;
  const kept = present({
    ...defined,
    type: isEnum || isConst ? undefined : isObject && type === undefined ? "object" : type,
    enum: isEnum ? values : undefined,
    const: isConst ? value : undefined,
    anyOf: mapVariants(variants, below),
    allOf: variants === undefined ? mapVariants(allOf, below) : undefined,
    description: asString(description),
    title: asString(title),
    ...(isObject ? { properties: mapSchemas(properties ?? {}, below), additionalProperties: false, required } : {}),
    items: mapSchema(items, below),
    format: takesFormat ? format : undefined,
    minItems: takesMinItems ? minItems : undefined,
  });
  return describedBy(kept, left);
}

function present(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function isPlain(value: unknown): boolean {
  return value === null || typeof value !== "object";
}
