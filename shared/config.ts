import { ConfigError, type Env } from "./config-error.ts";
import { parseDatabaseUrl } from "./db/url.ts";
import { withSecretFiles } from "./secret-files.ts";

export { ConfigError, type Env };

/** What a person at the terminal reads: a line for each mistake, and no stack. */
export function configLines(program: string, { problems }: ConfigError): string {
  return problems.map((problem) => `${program}: ${problem}\n`).join("");
}

/** Reads several configurations. Throws one ConfigError that lists the mistakes of all, each once. */
export function readTogether<T extends readonly unknown[]>(...reads: { [K in keyof T]: () => T[K] }): T {
  const values: unknown[] = [];
  const errors: ConfigError[] = [];
  for (const read of reads) {
    try {
      values.push(read());
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      errors.push(error);
    }
  }
  const [first] = errors;
  if (first === undefined) return values as unknown as T;
  throw new ConfigError(first.variable, [...new Set(errors.flatMap(({ problems }) => problems))]);
}

/**
 * A copy of the process's environment, with secrets that files hold (NAME_FILE). Nothing else reads `process.env`. Throws
 * ConfigError for such a file that cannot be used.
 */
export function readEnv(): Env {
  return withSecretFiles(process.env);
}

/** The value of `name`; an empty string counts as unset, as compose files write `${NAME:-}`. */
export function envOptional(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === "" ? undefined : value;
}

/** Text. Throws ConfigError if unset and there is no fallback. */
export function envString(env: Env, name: string, fallback?: string): string {
  return envOptional(env, name) ?? required(name, fallback);
}

/** The bounds of a number, both inclusive, and its value where the variable is not set. */
export interface NumberBounds {
  min?: number | undefined;
  max?: number | undefined;
  fallback?: number | undefined;
}

/** A whole number within `min`..`max` (both inclusive). Throws ConfigError otherwise. */
export function envInt(env: Env, name: string, bounds: NumberBounds = {}): number {
  const text = envOptional(env, name);
  if (text === undefined) return required(name, bounds.fallback);
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new ConfigError(name, `${name} must be a whole number, not ${quote(text)}`);
  return within(name, value, bounds);
}

/** A number within `min`..`max` (both inclusive), in plain decimal. Throws ConfigError otherwise. */
export function envNumber(env: Env, name: string, bounds: NumberBounds = {}): number {
  const text = envOptional(env, name);
  if (text === undefined) return required(name, bounds.fallback);
  const value = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) throw new ConfigError(name, `${name} must be a number, not ${quote(text)}`);
  return within(name, value, bounds);
}

/** true, 1, yes, on or false, 0, no, off, in any case. Throws ConfigError otherwise. */
export function envBool(env: Env, name: string, fallback?: boolean): boolean {
  const text = envOptional(env, name);
  if (text === undefined) return required(name, fallback);
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  if (/^(false|0|no|off)$/i.test(text)) return false;
  throw new ConfigError(name, `${name} must be true or false, not ${quote(text)}`);
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A length of time in milliseconds. Accepts `250ms`, `30s`, `1.5m`, `2h`, `7d` or bare milliseconds. Throws ConfigError otherwise. */
export function envDurationMs(env: Env, name: string, bounds: NumberBounds = {}): number {
  const text = envOptional(env, name);
  if (text === undefined) return required(name, bounds.fallback);
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  const value = match === null ? Number.NaN : Math.round(Number(match[1]) * (unitMs[match[2] ?? "ms"] ?? Number.NaN));
  if (!Number.isSafeInteger(value)) {
    throw new ConfigError(name, `${name} must be a duration such as 250ms, 30s, 5m, 2h or 7d, not ${quote(text)}`);
  }
  return within(name, value, bounds, " ms");
}

/** An absolute URL, as given. Throws ConfigError without repeating the value: it may hold a password. */
export function envUrl(env: Env, name: string, fallback?: string, protocols?: readonly string[]): string {
  const text = envOptional(env, name);
  if (text === undefined) return required(name, fallback);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new ConfigError(name, `${name} must be an absolute URL`);
  if (protocols !== undefined && !protocols.includes(url.protocol.slice(0, -1))) {
    throw new ConfigError(
      name,
      `${name} must be a URL that starts with ${protocols.map((p) => `${p}://`).join(" or ")}`,
    );
  }
  return text;
}

/** An address of PostgreSQL, as given. Throws ConfigError without repeating the value: it may hold a password. */
export function envDatabaseUrl(env: Env, name: string, fallback?: string): string {
  const text = envOptional(env, name);
  if (text === undefined) return required(name, fallback);
  try {
    parseDatabaseUrl(text);
  } catch (error) {
    throw new ConfigError(name, `${name} ${error instanceof Error ? error.message : "cannot be read"}`);
  }
  return text;
}

/** One of `choices`. Throws ConfigError otherwise. */
export function envChoice<const C extends string>(env: Env, name: string, choices: readonly C[], fallback?: C): C {
  const text = envOptional(env, name);
  if (text === undefined) return required(name, fallback);
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) {
    throw new ConfigError(name, `${name} must be one of ${choices.join(", ")}, not ${quote(text)}`);
  }
  return choice;
}

/** Items separated by commas, trimmed, empty ones left out. Throws ConfigError if unset and there is no fallback. */
export function envList(env: Env, name: string, fallback?: readonly string[]): readonly string[] {
  const text = envOptional(env, name);
  if (text === undefined) return required(name, fallback);
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function required<T>(name: string, fallback: T | undefined): T {
  if (fallback === undefined) throw new ConfigError(name, `${name} must be set`);
  return fallback;
}

function within(name: string, value: number, bounds: NumberBounds, unit = ""): number {
  if (bounds.min !== undefined && value < bounds.min) {
    throw new ConfigError(name, `${name} must be at least ${bounds.min}${unit}, not ${value}`);
  }
  if (bounds.max !== undefined && value > bounds.max) {
    throw new ConfigError(name, `${name} must be at most ${bounds.max}${unit}, not ${value}`);
  }
  return value;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
