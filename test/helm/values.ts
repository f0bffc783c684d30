import { isMap, isScalar, type Node, type Pair, parseDocument, type YAMLMap } from "yaml";

/** A value of the chart, as values.yaml explains it. */
export interface ChartValue {
  /** Its path, with dots. */
  readonly path: string;
  readonly default: unknown;
  readonly description: string;
  /** The texts that it may be; empty: any of its type. */
  readonly choices: readonly string[];
}

/** A part of a JSON schema. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean;
  readonly $schema?: string;
}

type Group = { readonly [key: string]: Group | ChartValue };

/**
 * The values of a chart in their order. One with a line `# -- ...` above it is a value, whatever it holds; without, it is a
 * group of values. Throws where something is neither.
 */
export function readValues(text: string): ChartValue[] {
  const { contents } = parseDocument(text);
  if (!isMap(contents)) throw new Error("values.yaml must be a map");
  return valuesOf(contents, []);
}

function valuesOf(map: YAMLMap, above: readonly string[]): ChartValue[] {
  return map.items.flatMap((pair: Pair, index) => {
    const { key, value } = pair as Pair<Node, Node | null>;
    const name = isScalar(key) ? String(key.value) : "";
    const path = [...above, name];
    // The comment above the first key of a map belongs to the map.
    const comment = (index === 0 ? map.commentBefore : undefined) ?? key.commentBefore ?? "";
    const lines = comment.split("\n").map((line) => line.trim());
    const description = lines.find((line) => line.startsWith("-- "))?.slice(3);
    const choices =
      lines
        .find((line) => line.startsWith("@enum "))
        ?.slice(6)
        .split(",") ?? [];
    if (description !== undefined) {
      const given: unknown = value === null ? null : value.toJSON();
      return [{ path: path.join("."), default: given, description, choices: choices.map((choice) => choice.trim()) }];
    }
    if (!isMap(value)) throw new Error(`${path.join(".")} has no line that says what it is`);
    return valuesOf(value, path);
  });
}

/** The table of the README. */
export function valuesTable(values: readonly ChartValue[]): string {
  const rows = values.map(
    ({ path, default: given, description }) =>
      `| \`${path}\` | \`${JSON.stringify(given)}\` | ${description.replaceAll("|", "\\|")} |`,
  );
  return ["| Value | Default | |", "|---|---|---|", ...rows].join("\n");
}

/** The schema that Helm holds values against: a name that is not known is refused, so that a slip of the pen is seen. */
export function valuesSchema(values: readonly ChartValue[]): Schema {
  const root: Record<string, Group | ChartValue> = {};
  for (const value of values) {
    const names = value.path.split(".");
    let group = root;
    for (const name of names.slice(0, -1)) {
      group[name] ??= {};
      group = group[name] as Record<string, Group | ChartValue>;
    }
    group[names.at(-1) ?? ""] = value;
  }
  const { properties, ...rest } = schemaOf(root);
  // Helm gives these to every chart of an umbrella.
  return {
    $schema: "https://json-schema.org/draft-07/schema#",
    ...rest,
    properties: { ...properties, global: { type: "object" } },
  };
}

function schemaOf(group: Group): Schema {
  const properties = Object.fromEntries(
    Object.entries(group).map(([name, one]) => [name, isValue(one) ? leafOf(one) : schemaOf(one)]),
  );
  return { type: "object", additionalProperties: false, properties };
}

function isValue(one: Group | ChartValue): one is ChartValue {
  return typeof one.path === "string";
}

function leafOf({ default: given, description, choices }: ChartValue): Schema {
  return { type: typeOf(given), description, ...(choices.length === 0 ? {} : { enum: choices }) };
}

function typeOf(given: unknown): string {
  if (Array.isArray(given)) return "array";
  if (typeof given === "number") return Number.isInteger(given) ? "integer" : "number";
  return typeof given;
}
