import type { Behaviour } from "../behaviour.ts";

/** One line of the table of misbehaving models. */
export interface SimulatedModel {
  /** The name, with its parameter in angle brackets. */
  readonly name: string;
  /** A name that can be sent as it stands. */
  readonly example: string;
  /** What happens. */
  readonly meaning: string;
}

/** A misbehaving model: how its name is read, and what it does. */
export interface Rule extends SimulatedModel {
  /** Names that it stands for; a group holds the parameter. */
  readonly pattern: RegExp;
  /** Parameter where the name gives none. */
  readonly fallback: number;
  /** Largest parameter. */
  readonly max: number;
  /** Smallest parameter. */
  readonly min: number;
  /** What is unlike a normal answer. */
  readonly effect: (parameter: number) => Partial<Behaviour>;
}

/** Makes a rule. A parameter in round brackets may be left out; a name with a parameter out of its range is no model. */
export function rule(
  name: string,
  example: string,
  meaning: string,
  effect: Rule["effect"],
  range: { min?: number; max?: number; fallback?: number } = {},
): Rule {
  const optional = name.includes("(");
  const stem = name.replace(/\(?-<.*$/, "");
  const parameter = name.includes("<") ? (optional ? "(?:-(\\d{1,7}))?" : "-(\\d{1,7})") : "";
  return {
    name,
    example,
    meaning,
    effect,
    pattern: new RegExp(`^${stem}${parameter}$`),
    fallback: range.fallback ?? 0,
    min: range.min ?? 0,
    max: range.max ?? Number.MAX_SAFE_INTEGER,
  };
}
