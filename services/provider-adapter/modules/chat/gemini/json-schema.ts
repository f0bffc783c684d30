import { asObject, type JsonObject } from "../../../wire/json.ts";

/** Fields that hold schemas by name, and those that hold a schema or a list of them. */
const maps: ReadonlySet<string> = new Set(["properties", "$defs"]);
const schemas: ReadonlySet<string> = new Set(["items", "anyOf", "prefixItems", "additionalProperties"]);
/** Order of the output's fields, and examples: they say nothing of what is valid. */
const dropped: ReadonlySet<string> = new Set(["propertyOrdering", "property_ordering", "example", "nullable"]);
/** Numbers that protobuf's JSON writes as texts. */
const counts: ReadonlySet<string> = new Set([
  ...["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"],
]);

/** A schema in the vendor's form of OpenAPI (`type: "STRING"`, `nullable`) as JSON Schema. What is one already stays. */
export function toJsonSchema(schema: JsonObject): JsonObject {
  const written: JsonObject = {};
  for (const [name, value] of Object.entries(schema)) {
    if (dropped.has(name)) continue;
    if (name === "type") written.type = typesOf(value, schema.nullable === true);
    else if (maps.has(name)) written[name] = mapOf(value);
    else if (schemas.has(name)) written[name] = schemaOf(value);
    else if (counts.has(name) && typeof value === "string" && /^\d+$/.test(value)) written[name] = Number(value);
    else written[name] = value;
  }
  return written;
}

function typesOf(type: unknown, nullable: boolean): unknown {
  const types = (Array.isArray(type) ? type : [type]).map((one) => (typeof one === "string" ? one.toLowerCase() : one));
  if (nullable && !types.includes("null")) types.push("null");
  return types.length === 1 ? types[0] : types;
}

function schemaOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(schemaOf);
  const schema = asObject(value);
  return schema === undefined ? value : toJsonSchema(schema);
}

function mapOf(value: unknown): unknown {
  const map = asObject(value);
  if (map === undefined) return value;
  return Object.fromEntries(Object.entries(map).map(([name, inner]) => [name, schemaOf(inner)]));
}
