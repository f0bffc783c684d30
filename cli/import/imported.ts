/** A model that a channel serves, by the name that clients use. */
export interface ImportedServed {
  upstream: string;
  strategy?: string;
}

/** A channel as the configuration file has it. */
export interface ImportedChannel {
  name: string;
  adapter: string;
  platform?: string;
  base_url: string;
  flavour?: Record<string, unknown>;
  credentials?: { env: string }[];
  models: Record<string, string | ImportedServed>;
  groups?: string[] | "*";
  priority?: number;
  weight?: number;
  enabled?: boolean;
  timeouts?: Record<string, number>;
  headers?: Record<string, string>;
}

/** A model as the configuration file has it. */
export interface ImportedModel {
  name: string;
  module?: string;
  owned_by?: string;
  context_window?: number;
  max_output?: number;
  strategy?: string;
}

/** A strategy as the configuration file has it: prices are decimals in USD, of tokens a million. */
export interface ImportedStrategy {
  name: string;
  free?: boolean;
  prices?: Record<string, string>;
}

/** The configuration file that an import gives. */
export interface ImportedConfig {
  groups?: { name: string; ratio: string }[];
  strategies?: ImportedStrategy[];
  models?: ImportedModel[];
  aliases?: Record<string, string>;
  channels: ImportedChannel[];
}

/** What an import gives. */
export interface Imported {
  readonly config: ImportedConfig;
  /** What was not taken, or differs here, in sentences. */
  readonly notes: readonly string[];
  /** Keys that stood in the text itself, by the variable that the configuration now asks for. */
  readonly secrets: ReadonlyMap<string, string>;
}

/** Makes a name of a text, unlike those that are taken. A character that may not stand in names becomes a hyphen. */
export function nameOf(text: string, taken: ReadonlySet<string>): string {
  const base =
    text
      .normalize("NFKD")
      .replace(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 56) || "channel";
  if (!taken.has(base)) return base;
  for (let n = 2; ; n++) if (!taken.has(`${base}-${n}`)) return `${base}-${n}`;
}

/** A number as the decimal that prices are written in: at most 9 decimals, no exponent. */
export function decimal(value: number): string {
  const text = value.toFixed(9);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** The text itself as an object; undefined: it is none. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

/** The value without white space around it; undefined: it is no text, or an empty one. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/** The number that the value is or spells; undefined: it is none, or not finite. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/** JSON that stands in a field as text, or the value itself. */
export function embedded(value: unknown): unknown {
  if (typeof value !== "string" || value.trim() === "") return value === "" ? undefined : value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
