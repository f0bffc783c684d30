import { asObject, type JsonObject } from "../../../wire/json.ts";
import type { OutputShape } from "./request.ts";

/**
 * A schema with words put into its description, as the vendors' own SDKs do: the model still reads what the vendor does not
 * hold it to, e.g. `{minimum: 1, maximum: 10}`.
 */
export function describedBy(schema: JsonObject, words: JsonObject): JsonObject {
  const told = Object.entries(words)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  if (told.length === 0) return schema;
  const own = typeof schema.description === "string" && schema.description !== "" ? `${schema.description}\n\n` : "";
  return { ...schema, description: `${own}{${told.join(", ")}}` };
}

/** The schema of an answer, for formats that have no place of their own for what it is described as. */
export function describedSchema({ schema, description }: Extract<OutputShape, { kind: "schema" }>): JsonObject {
  if (description === undefined || description === "" || description === schema.description) return schema;
  const own = typeof schema.description === "string" && schema.description !== "" ? `\n\n${schema.description}` : "";
  return { ...schema, description: `${description}${own}` };
}

/** The schemas of an object by their names, each of them changed; what is no schema stays. */
export function mapSchemas(schemas: unknown, change: (schema: JsonObject) => JsonObject): unknown {
  const given = asObject(schemas);
  if (given === undefined) return schemas;
  return Object.fromEntries(Object.entries(given).map(([name, schema]) => [name, mapSchema(schema, change)]));
}

/** A list of schemas, each of them changed; what is no schema stays. */
export function mapVariants(schemas: unknown, change: (schema: JsonObject) => JsonObject): unknown {
  return Array.isArray(schemas) ? schemas.map((schema: unknown) => mapSchema(schema, change)) : schemas;
}

/** A schema, changed; what is none (true and false are schemas, too) stays. */
export function mapSchema(schema: unknown, change: (schema: JsonObject) => JsonObject): unknown {
  const given = asObject(schema);
  return given === undefined ? schema : change(given);
}
