import { cannotExpress } from "../../../modules/chat/neutral/refuse.ts";
import { describedBy } from "../../../modules/chat/neutral/schema-words.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";

/** Keywords of the vendor's subset of OpenAPI's schema that hold plain values. */
const plain = [
  ...["title", "description", "format", "pattern", "enum", "default", "example"],
  ...["minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"],
  ...["required", "propertyOrdering"],
];

/** Bounds that the subset has no word for: the model is told them in the description. */
const bounds = ["exclusiveMinimum", "exclusiveMaximum", "multipleOf", "uniqueItems"];

/** How deep references are followed: a schema that holds itself ends there. */
const maxDepth = 12;
/** Most fields that one schema may unfold to: a dozen definitions that name each other can stand for millions. */
const maxFields = 20_000;
/** Longest reference that is followed, in characters. */
const maxReferenceLength = 1_000;

/** What is known while one schema is converted. */
interface Unfolding {
  readonly root: JsonObject;
  /** Path of the schema in the client's body. */
  readonly at: string;
  /** Fields that may still be written. */
  left: number;
}

/**
 * A JSON Schema in the vendor's subset of OpenAPI's, for models that know no other: references are put in, `const` becomes
 * an `enum`, `["x", "null"]` becomes `nullable`, `oneOf` and a union of types become `anyOf`, `allOf` is merged; bounds that the
 * subset has no word for go into the description, other such words are left out. Throws invalid_value where the references unfold to more than a request can hold.
 *
 * @param at path of the schema in the client's body.
 */
export function openApiSchema(schema: JsonObject, at: string): JsonObject {
  // The fields of the schema itself are the client's to pay for; the bound is on what its references add.
  return convert(schema, { root: schema, at, left: maxFields + fieldsOf(schema) }, 0);
}

function convert(given: JsonObject, unfolding: Unfolding, depth: number): JsonObject {
  const schema = flat(given, unfolding, depth);
  const result: JsonObject = {};
  for (const name of plain) if (schema[name] !== undefined) result[name] = schema[name];
  const told = bounds.filter((name) => schema[name] !== undefined && typeof schema[name] !== "object");
  if (told.length > 0) {
    result.description = describedBy(result, Object.fromEntries(told.map((name) => [name, schema[name]]))).description;
  }
  if (Array.isArray(result.enum)) result.enum = result.enum.filter((value) => value !== null).map(String);
  if (schema.const !== undefined) result.enum = [String(schema.const)];
  const types = asArray(schema.type).filter((type) => typeof type === "string");
  const named = types.filter((type) => type !== "null");
  if (types.includes("null") || schema.nullable === true) result.nullable = true;
  const type = asString(schema.type) ?? (named.length === 1 ? named[0] : undefined);
  if (type !== undefined) result.type = type;
  if (result.enum !== undefined) result.type = "string";
  if (depth > maxDepth) return result;

  const below = (value: unknown) => convert(asObject(value) ?? {}, unfolding, depth + 1);
  const properties = asObject(schema.properties);
  if (properties !== undefined) {
    result.type ??= "object";
    result.properties = Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, below(value)]));
  }
  if (schema.items !== undefined) {
    result.type ??= "array";
    result.items = below(schema.items);
  }
  const variants = asArray(schema.anyOf).concat(asArray(schema.oneOf));
  const choices = variants.filter((variant) => asObject(variant)?.type !== "null");
  if (choices.length < variants.length) result.nullable = true;
  const [only] = choices;
  if (choices.length === 1) return { ...below(only), ...result };
  if (choices.length > 1) result.anyOf = choices.map(below);
  else if (named.length > 1) result.anyOf = named.map((name) => ({ type: name }));
  return result;
}

/** The schema with its reference and its `allOf` put in. */
function flat(schema: JsonObject, unfolding: Unfolding, depth: number): JsonObject {
  spend(unfolding, schema);
  let { $ref: reference, allOf, ...rest } = schema;
  for (let steps = 0; typeof reference === "string" && steps + depth <= maxDepth; steps++) {
    const { $ref: next, ...target } = resolve(unfolding.root, reference);
    spend(unfolding, target);
    rest = { ...target, ...rest };
    allOf ??= target.allOf;
    reference = next;
  }
  const parts = asArray(allOf);
  if (parts.length === 0) return rest;
  return merged(
    rest,
    parts.map((part) => (depth > maxDepth ? {} : flat(asObject(part) ?? {}, unfolding, depth + 1))),
  );
}

/** A schema with the parts of its `allOf`: its own fields win, then those of the earlier parts. */
function merged(own: JsonObject, parts: readonly JsonObject[]): JsonObject {
  const all = [...parts.toReversed(), own];
  const result: JsonObject = {};
  const properties: JsonObject = {};
  const required = new Set<unknown>(asArray(own.required));
  for (const part of parts) for (const name of asArray(part.required)) required.add(name);
  for (const part of all) {
    Object.assign(result, part);
    Object.assign(properties, asObject(part.properties));
  }
  if (all.some((part) => part.properties !== undefined)) result.properties = properties;
  if (all.some((part) => part.required !== undefined)) result.required = [...required];
  return result;
}

function spend(unfolding: Unfolding, schema: JsonObject): void {
  unfolding.left -= widthOf(schema);
  if (unfolding.left < 0) throw cannotExpress(unfolding.at, "its references unfold to too large a schema");
}

/** Fields of a schema and of its lists, without those of the schemas in it. */
function widthOf(schema: JsonObject): number {
  let width = 1;
  for (const value of Object.values(schema)) width += Array.isArray(value) ? 1 + value.length : 1;
  return width + Object.keys(asObject(schema.properties) ?? {}).length;
}

/** All fields in a schema. A stack of our own: how deep it is is up to the client. */
function fieldsOf(schema: JsonObject): number {
  let fields = 0;
  const stack: unknown[] = [schema];
  while (stack.length > 0) {
    const value = stack.pop();
    fields++;
    if (typeof value !== "object" || value === null) continue;
    for (const inner of Object.values(value)) stack.push(inner);
  }
  return fields * 2;
}

function resolve(root: JsonObject, reference: string): JsonObject {
  if (reference.length > maxReferenceLength) return {};
  let value: unknown = root;
  for (const step of reference.replace(/^#\/?/, "").split("/")) {
    if (step !== "") value = asObject(value)?.[step.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return asObject(value) ?? {};
}
