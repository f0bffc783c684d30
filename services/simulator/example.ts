import { arrayOf, isObject, type Json, objectOf, stringOf } from "./json.ts";

/**
 * The smallest value that is valid for a JSON Schema: the keywords that structured outputs and tools use (type, enum,
 * const, properties, required, items, minItems, minLength, minimum, anyOf, oneOf, allOf, $ref into the same document).
 * Every listed property is filled, so that the value shows its shape; depth is bounded for recursive schemas.
 */
export function exampleOf(schema: unknown): unknown {
  return build(objectOf(schema), objectOf(schema), 0);
}

const maxDepth = 8;

function build(schema: Json, root: Json, depth: number): unknown {
  if (schema.const !== undefined) return schema.const;
  const allowed = arrayOf(schema.enum);
  if (allowed.length > 0) return allowed[0];
  if (typeof schema.$ref === "string") {
    return depth > 3 * maxDepth ? null : build(resolve(root, schema.$ref), root, depth + 1);
  }
  const choices = [...arrayOf(schema.anyOf), ...arrayOf(schema.oneOf)];
  if (choices.length > 0) {
    // The null branch ends a recursive schema.
    const chosen = depth > maxDepth ? choices.find((choice) => objectOf(choice).type === "null") : choices[0];
    return build(objectOf(chosen ?? choices[0]), root, depth + 1);
  }
  const parts = arrayOf(schema.allOf);
  if (parts.length > 0) return build(Object.assign({}, ...parts.map(objectOf)) as Json, root, depth + 1);
  const type = Array.isArray(schema.type) ? stringOf(schema.type[0]) : stringOf(schema.type);
  // Gemini spells types in capitals.
  return byType((type || guess(schema)).toLowerCase(), schema, root, depth);
}

function byType(type: string, schema: Json, root: Json, depth: number): unknown {
  switch (type) {
    case "object":
      return objectExample(schema, root, depth);
    case "array": {
      const least = typeof schema.minItems === "number" ? schema.minItems : depth > maxDepth ? 0 : 1;
      return Array.from({ length: Math.min(least, 16) }, () => build(objectOf(schema.items), root, depth + 1));
    }
    case "integer":
    case "number":
      return typeof schema.minimum === "number" ? schema.minimum : 1;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return "simulated".padEnd(typeof schema.minLength === "number" ? Math.min(schema.minLength, 4_096) : 0, ".");
  }
}

function objectExample(schema: Json, root: Json, depth: number): Json {
  const required = new Set(arrayOf(schema.required));
  const result: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(objectOf(schema.properties))) {
    if (depth > maxDepth && !required.has(name)) continue;
    result[name] = build(objectOf(property), root, depth + 1);
  }
  return result;
}

function guess(schema: Json): string {
  if (isObject(schema.properties)) return "object";
  return schema.items === undefined ? "string" : "array";
}

function resolve(root: Json, reference: string): Json {
  let node: unknown = root;
  for (const step of reference.replace(/^#\/?/, "").split("/")) {
    if (step !== "") node = objectOf(node)[step.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return objectOf(node);
}
