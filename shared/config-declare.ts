import {
  ConfigError,
  type Env,
  envBool,
  envChoice,
  envDatabaseUrl,
  envDurationMs,
  envInt,
  envList,
  envNumber,
  envOptional,
  envString,
  envUrl,
} from "./config.ts";
import type { Check } from "./config-checks.ts";

interface Declared<K extends string, T> {
  kind: K;
  /** What it does, one sentence; the README's table shows it. */
  description: string;
  /** The value where the variable is unset. Without it and without `required` the value is undefined. */
  default?: T;
  /** True: the process refuses to start without it. */
  required?: true;
}

interface Checked {
  /** What a value must be beyond its kind. A value that cannot work is refused at the start, not when it is needed. */
  check?: Check;
}

interface Bounded {
  /** Lowest value accepted (milliseconds for durations). */
  min?: number;
  /** Highest value accepted (milliseconds for durations). */
  max?: number;
  /** Unit of the value, e.g. "bytes", "tokens". Durations carry their own. */
  unit?: string;
}

/** One variable of the environment: its kind, default, bounds and meaning. `secret` is text that is never shown. */
export type Variable =
  | (Declared<"string", string> & Checked)
  | (Declared<"secret", string> & Checked)
  | (Declared<"int", number> & Bounded)
  | (Declared<"number", number> & Bounded)
  | Declared<"bool", boolean>
  | (Declared<"duration", number> & Bounded)
  | (Declared<"url", string> & Checked & { protocols: readonly string[] })
  | Declared<"postgres", string>
  | Declared<"list", readonly string[]>
  | (Declared<"choice", string> & { choices: readonly string[] });

export type Variables = Readonly<Record<string, Variable>>;

type Kinds = {
  string: string;
  secret: string;
  int: number;
  number: number;
  bool: boolean;
  duration: number;
  url: string;
  postgres: string;
  list: readonly string[];
};

type ValueOf<V> = V extends { kind: "choice"; choices: readonly (infer C)[] }
  ? C
  : V extends { kind: infer K extends keyof Kinds }
    ? Kinds[K]
    : never;

/** What reading a declaration gives: a value per variable, undefined where neither set, defaulted nor required. */
export type EnvValues<V extends Variables> = {
  readonly [N in keyof V]: V[N] extends { default: unknown } | { required: true }
    ? ValueOf<V[N]>
    : ValueOf<V[N]> | undefined;
};

/** Variables of the environment that are declared. */
export interface DeclaredEnv<V extends Variables> {
  /** The declaration itself, for the configuration table. */
  readonly variables: V;
  /** Reads every variable. Throws one ConfigError that lists all that are wrong. */
  read(env: Env): EnvValues<V>;
}

/** Declares the variables of a room, each once: read them with `read`, document them with `describeVariables`. */
export function declareEnv<const V extends Variables>(variables: V): DeclaredEnv<V> {
  const read = (env: Env): EnvValues<V> => {
    const values: Record<string, unknown> = {};
    const errors: ConfigError[] = [];
    for (const [name, variable] of Object.entries(variables)) {
      try {
        values[name] = readVariable(env, name, variable);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        errors.push(error);
      }
    }
    const first = errors[0];
    if (first !== undefined) {
      throw new ConfigError(
        first.variable,
        errors.flatMap((error) => error.problems),
      );
    }
    return values as EnvValues<V>;
  };
  return { variables, read };
}

/** Kinds of text that nobody writes `${...}` into on purpose. Secrets may hold anything. */
const filledIn: ReadonlySet<Variable["kind"]> = new Set(["string", "url", "list"]);

/** A template that was never filled in would be taken as it is: as a host, a path, a name. The value may hold a password. */
function refusePlaceholder(env: Env, name: string): void {
  if (/\$\{/.test(envOptional(env, name) ?? "")) throw new ConfigError(name, `${name} has \${...} left in it`);
}

function readVariable(env: Env, name: string, variable: Variable): unknown {
  const text = envOptional(env, name);
  if (text === undefined && variable.default === undefined && variable.required !== true) return undefined;
  if (filledIn.has(variable.kind)) refusePlaceholder(env, name);
  const value = readKind(env, name, variable);
  const wrong = text !== undefined && "check" in variable ? variable.check?.(text) : undefined;
  if (wrong !== undefined) throw new ConfigError(name, `${name} ${wrong}`);
  return value;
}

function readKind(env: Env, name: string, variable: Variable): unknown {
  switch (variable.kind) {
    case "string":
    case "secret":
      return envString(env, name, variable.default);
    case "int":
      return envInt(env, name, { min: variable.min, max: variable.max, fallback: variable.default });
    case "number":
      return envNumber(env, name, { min: variable.min, max: variable.max, fallback: variable.default });
    case "bool":
      return envBool(env, name, variable.default);
    case "duration":
      return envDurationMs(env, name, { min: variable.min, max: variable.max, fallback: variable.default });
    case "url":
      return envUrl(env, name, variable.default, variable.protocols);
    case "postgres":
      return envDatabaseUrl(env, name, variable.default);
    case "list":
      return envList(env, name, variable.default);
    case "choice":
      return envChoice(env, name, variable.choices, variable.default);
  }
}

/** A row of the configuration table. */
export interface VariableRow {
  name: string;
  /** Kind with unit or choices, e.g. "duration", "int (bytes)", "decimal | stamped". */
  kind: string;
  /** The default as one would write it in the environment; "required" or "" where there is none. Secrets show none. */
  default: string;
  description: string;
}

/** The rows of the configuration table for these declarations, in their order; a name declared twice appears once. */
export function describeVariables(declarations: readonly Variables[]): VariableRow[] {
  const rows = new Map<string, VariableRow>();
  for (const [name, variable] of declarations.flatMap((variables) => Object.entries(variables))) {
    if (rows.has(name)) continue;
    rows.set(name, {
      name,
      kind: kindText(variable),
      default: defaultText(variable),
      description: variable.description,
    });
  }
  return [...rows.values()];
}

/** The configuration table as Markdown; a test compares it with the README. */
export function variablesTable(declarations: readonly Variables[]): string {
  const rows = describeVariables(declarations).map(
    (row) =>
      `| \`${row.name}\` | ${row.kind} | ${row.default === "" ? "" : `\`${row.default}\``} | ${row.description} |`,
  );
  return ["| Variable | Kind | Default | Meaning |", "|---|---|---|---|", ...rows].join("\n");
}

function kindText(variable: Variable): string {
  if (variable.kind === "choice") return variable.choices.join(" \\| ");
  if ((variable.kind === "int" || variable.kind === "number") && variable.unit !== undefined) {
    return `${variable.kind} (${variable.unit})`;
  }
  return variable.kind === "postgres" ? "url" : variable.kind;
}

function defaultText(variable: Variable): string {
  if (variable.required === true) return "required";
  if (variable.default === undefined || variable.kind === "secret") return "";
  if (variable.kind === "duration") return durationText(variable.default);
  if (variable.kind === "list") return variable.default.join(",");
  return String(variable.default);
}

/** Milliseconds in the largest unit that holds them exactly: 30000 is "30s". */
function durationText(ms: number): string {
  for (const [unit, size] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
  ] as const) {
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
