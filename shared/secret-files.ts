import { readFileSync } from "node:fs";
import { ConfigError, type Env } from "./config-error.ts";

/** Secrets of ours that a file may hold: NAME_FILE names it. */
export const secretVariables: ReadonlySet<string> = new Set([
  "DATABASE_URL",
  "VALKEY_URL",
  "KEY_PEPPER",
  "CREDENTIAL_KEY",
  "GRPC_SECRET",
  "OBJECT_STORE_ACCESS_KEY_ID",
  "OBJECT_STORE_SECRET_ACCESS_KEY",
  "OTEL_EXPORTER_OTLP_HEADERS",
  "THROUGHLINE_BOOTSTRAP_KEY",
  "THROUGHLINE_ADMIN_KEY",
  "HTTPS_PROXY",
  "HTTP_PROXY",
  // These are credentials of vendors; names that end in _API_KEY count as well.
  "AWS_BEARER_TOKEN_BEDROCK",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "VERTEX_CREDENTIALS",
]);

/** Whether NAME_FILE gives NAME. A set of names and not every one: other programs' NAME_FILE mean other things. */
export function mayBeFile(name: string): boolean {
  return secretVariables.has(name) || /^[A-Z][A-Z0-9_]*_API_KEY$/.test(name);
}

/**
 * The environment with what the files of NAME_FILE hold in the place of NAME, without the newline at their end. The names of
 * files are left out of it: whoever is given a secret is given its value. Throws ConfigError for a file that cannot be read
 * or is empty, and where both are set.
 */
export function withSecretFiles(env: Env): Env {
  const read: Record<string, string | undefined> = { ...env };
  for (const [variable, path] of Object.entries(env)) {
    const name = variable.endsWith("_FILE") ? variable.slice(0, -"_FILE".length) : "";
    if (!mayBeFile(name)) continue;
    delete read[variable];
    if (path === undefined || path.trim() === "") continue;
    if ((env[name] ?? "").trim() !== "")
      throw new ConfigError(variable, `${variable} and ${name} are both set: take one out`);
    read[name] = contentsOf(variable, path);
  }
  return read;
}

function contentsOf(variable: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError(
      variable,
      `${variable}: ${path} cannot be read (${String(Reflect.get(Object(error), "code"))})`,
    );
  }
  const value = text.replace(/\r?\n$/, "");
  if (value.trim() === "") throw new ConfigError(variable, `${variable}: ${path} is empty`);
  return value;
}
