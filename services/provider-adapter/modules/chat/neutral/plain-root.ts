import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { describedBy } from "./schema-words.ts";

/** What the root of a tool's schema may not have where a vendor wants a plain object. */
const refused = ["anyOf", "oneOf", "allOf", "not", "enum", "const", "if", "then", "else"] as const;
/** How deep references of roots and parts are followed; a schema that holds itself ends there. */
const maxDepth = 8;
/** How many are followed in all: what they lead to may be large, and named often. */
const maxReferences = 100;

/** The note of a schema that was changed so. */
export function rootFolded(at: string): string {
  return `${at}: the schema's root became a plain object, as the upstream takes no other`;
}

interface Folding {
  readonly root: JsonObject;
  /** The schemas of each property by their texts. */
  readonly properties: Map<string, Map<string, unknown>>;
  /** References that may still be followed. */
  references: number;
  readonly required: Set<unknown>;
  /** What cannot be folded, for the description. */
  readonly words: Record<string, unknown>;
}

/**
 * A tool's schema whose root is a plain object, as Anthropic, OpenAI and Google want it: a reference is put in, the
 * properties of the parts of `allOf` and of the variants of `anyOf` and `oneOf` are put together, and what the variants say
 * beside them is told in the description. The same schema where its root is plain.
 */
export function plainRoot(schema: JsonObject): JsonObject {
  const isPlain = schema.$ref === undefined && refused.every((word) => schema[word] === undefined);
  if (isPlain && (schema.type === undefined || schema.type === "object")) return schema;
  const folding: Folding = {
    root: schema,
    properties: new Map(),
    references: maxReferences,
    required: new Set(),
    words: {},
  };
  const rest = foldAll(schema, folding, 0);
  const properties = Object.fromEntries(
    [...folding.properties].map(([name, known]) => {
      const [first, ...others] = known.values();
      return [name, others.length === 0 ? first : { anyOf: [first, ...others] }];
    }),
  );
  const { type: _type, required: _required, ...words } = rest;
  return describedBy(
    {
      ...words,
      type: "object",
      properties,
      ...(folding.required.size === 0 ? {} : { required: [...folding.required] }),
    },
    folding.words,
  );
}

/** Takes in a schema all of which holds; gives its other words. */
function foldAll(given: JsonObject, folding: Folding, depth: number): JsonObject {
  const { allOf, anyOf, oneOf, not, enum: values, const: value, if: when, ...more } = resolved(given, folding, depth);
  const { then, else: otherwise, properties, ...rest } = more;
  take(properties, folding);
  for (const name of asArray(rest.required)) folding.required.add(name);
  for (const [word, said] of Object.entries({ not, enum: values, const: value, if: when, then, else: otherwise })) {
    if (said !== undefined) folding.words[word] = said;
  }
  if (depth < maxDepth) {
    for (const part of asArray(allOf)) foldAll(asObject(part) ?? {}, folding, depth + 1);
    foldVariants("anyOf", anyOf, folding, depth);
    foldVariants("oneOf", oneOf, folding, depth);
  }
  return rest;
}

/** Takes in variants of which one holds: only what all of them require is required. */
function foldVariants(word: "anyOf" | "oneOf", variants: unknown, folding: Folding, depth: number): void {
  const list = asArray(variants).map((variant) => resolved(asObject(variant) ?? {}, folding, depth));
  if (list.length === 0) return;
  let common: Set<unknown> | undefined;
  const told: JsonObject[] = [];
  for (const { properties, ...rest } of list) {
    take(properties, folding);
    const required = new Set(asArray(rest.required));
    common = common === undefined ? required : common.intersection(required);
    told.push(rest);
  }
  for (const name of common ?? []) folding.required.add(name);
  folding.words[word] = told;
}

function take(properties: unknown, folding: Folding): void {
  for (const [name, schema] of Object.entries(asObject(properties) ?? {})) {
    const known = folding.properties.get(name) ?? new Map<string, unknown>();
    folding.properties.set(name, known);
    const text = JSON.stringify(schema);
    if (!known.has(text)) known.set(text, schema);
  }
}

/** A schema with its reference put in, as far as that is one within the document. */
function resolved(schema: JsonObject, folding: Folding, depth: number): JsonObject {
  const { $ref: reference, ...own } = schema;
  const path = asString(reference);
  if (path === undefined || !path.startsWith("#") || depth >= maxDepth || folding.references <= 0) return own;
  folding.references--;
  let target: unknown = folding.root;
  for (const step of path.replace(/^#\/?/, "").split("/")) {
    if (step !== "") target = asObject(target)?.[step.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  const { $defs: _defs, definitions: _definitions, ...found } = asObject(target) ?? {};
  return resolved({ ...found, ...own }, folding, depth + 1);
}
