import { asArray, asObject, type JsonObject } from "../../../wire/json.ts";

/** Words that no strict schema may have (platform.openai.com/docs/guides/structured-outputs, "Supported schemas"). */
const refused: readonly string[] = [
  ...["allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "default"],
  ...["patternProperties", "propertyNames", "unevaluatedProperties", "minProperties", "maxProperties"],
  ...["unevaluatedItems", "contains", "minContains", "maxContains", "uniqueItems", "minLength", "maxLength"],
];

/** Fields that hold schemas by names, and those that hold lists of them. */
const named = ["properties", "$defs", "definitions"] as const;

/**
 * Whether a schema is one that strict output takes: each of its objects requires all of its properties and takes no others,
 * and it has no word that is refused. Other vendors' strict schemas need not be.
 */
export function isStrictSchema(schema: JsonObject): boolean {
  const waiting: JsonObject[] = [schema];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    const { properties, required, type, items, anyOf, additionalProperties } = one;
    for (const word of refused) if (one[word] !== undefined) return false;
    const names = Object.keys(asObject(properties) ?? {});
    if (type === "object" || asArray(type).includes("object") || names.length > 0) {
      const demanded = new Set(asArray(required));
      if (additionalProperties !== false || !names.every((name) => demanded.has(name))) return false;
    }
    for (const word of named) for (const inner of Object.values(asObject(one[word]) ?? {})) add(inner, waiting);
    for (const inner of asArray(anyOf)) add(inner, waiting);
    add(items, waiting);
  }
  return true;
}

function add(schema: unknown, waiting: JsonObject[]): void {
  const given = asObject(schema);
  if (given !== undefined) waiting.push(given);
}
