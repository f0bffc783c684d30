import { asArray, asObject, asString, type JsonObject } from "../../../domain/json.ts";

/** Keywords of the vendor's subset of OpenAPI's schema that hold plain values. */
const plain = [
  ...["title", "description", "format", "pattern", "enum", "default", "example"],
  ...["minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"],
  ...["required", "propertyOrdering"],
];

/** How deep references are followed: a schema that holds itself ends there. */
const maxDepth = 12;

/**
 * A JSON Schema in the vendor's subset of OpenAPI's, for models that know no other: references are put in, `const` becomes
 * an `enum`, `["x", "null"]` becomes `nullable`, `oneOf` and a union of types become `anyOf`, `allOf` is merged; what the
 * subset has no word for is left out.
 */
export function openApiSchema(schema: JsonObject): JsonObject {
  return convert(schema, schema, 0);
}

function convert(given: JsonObject, root: JsonObject, depth: number): JsonObject {
  const schema = flat(given, root, depth);
  const result: JsonObject = {};
  for (const name of plain) if (schema[name] !== undefined) result[name] = schema[name];
  if (Array.isArray(result.enum)) result.enum = result.enum.filter((value) => value !== null).map(String);
  if (schema.const !== undefined) result.enum = [String(schema.const)];
  const types = asArray(schema.type).filter((type) => typeof type === "string");
  const named = types.filter((type) => type !== "null");
  if (types.includes("null") || schema.nullable === true) result.nullable = true;
  const type = asString(schema.type) ?? (named.length === 1 ? named[0] : undefined);
  if (type !== undefined) result.type = type;
  if (result.enum !== undefined) result.type = "string";
  if (depth > maxDepth) return result;

  const below = (value: unknown) => convert(asObject(value) ?? {}, root, depth + 1);
  const properties = asObject(schema.properties);
  if (properties !== undefined) {
    result.type ??= "object";
    result.properties = Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, below(value)]));
  }
  if (schema.items !== undefined) {
    result.type ??= "array";
    result.items = below(schema.items);
  }
  const variants = [...asArray(schema.anyOf), ...asArray(schema.oneOf)];
  const choices = variants.filter((variant) => asObject(variant)?.type !== "null");
  if (choices.length < variants.length) result.nullable = true;
  const [only] = choices;
  if (choices.length === 1) return { ...below(only), ...result };
  if (choices.length > 1) result.anyOf = choices.map(below);
  else if (named.length > 1) result.anyOf = named.map((name) => ({ type: name }));
  return result;
}

/** The schema with its reference and its `allOf` put in. */
function flat(schema: JsonObject, root: JsonObject, depth: number): JsonObject {
  let { $ref: reference, allOf, ...rest } = schema;
  for (let steps = 0; typeof reference === "string" && steps + depth <= maxDepth; steps++) {
    const { $ref: next, ...target } = resolve(root, reference);
    rest = { ...target, ...rest };
    allOf ??= target.allOf;
    reference = next;
  }
  for (const part of asArray(allOf)) {
    const piece = depth > maxDepth ? {} : flat(asObject(part) ?? {}, root, depth + 1);
    rest = {
      ...piece,
      ...rest,
      ...(piece.properties === undefined && rest.properties === undefined
        ? {}
        : { properties: { ...asObject(piece.properties), ...asObject(rest.properties) } }),
      ...(piece.required === undefined && rest.required === undefined
        ? {}
        : { required: [...new Set([...asArray(rest.required), ...asArray(piece.required)])] }),
    };
  }
  return rest;
}

function resolve(root: JsonObject, reference: string): JsonObject {
  let value: unknown = root;
  for (const step of reference.replace(/^#\/?/, "").split("/")) {
    if (step !== "") value = asObject(value)?.[step.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return asObject(value) ?? {};
}
