import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { usableFolder } from "../shared/usable-folder.ts";

/** Secrets of a deployment that keeps its own: made at the first start, kept in the data folder, mode 0600. */
export interface Secrets {
  /** Pepper of the stored key hashes. */
  readonly keyPepper: string;
  /** Key of credentials that are sealed at rest, 32 bytes in base64. */
  readonly credentialKey: string;
  /** What the processes of `mesh` know each other by. */
  readonly grpcSecret: string;
}

/** The data folder of this deployment, made when missing. Throws ConfigError for one that cannot be used. */
export function openDataFolder(path: string): string {
  return usableFolder("THROUGHLINE_DATA", resolve(path), { make: true });
}

/** Where a data folder keeps its secrets. */
export function secretsFile(folder: string): string {
  return join(folder, "secrets.json");
}

/** Reads the secrets of a data folder; makes them at the first start. */
export function openSecrets(folder: string): Secrets {
  const file = secretsFile(folder);
  if (!existsSync(file)) return write(file, { keyPepper: random(), credentialKey: random(), grpcSecret: random() });
  const kept = parseSecrets(readFileSync(file, "utf8"), file);
  // A folder of a version that had none: nothing is stored under this one, so a new one does no harm.
  return kept.grpcSecret === undefined
    ? write(file, { ...kept, grpcSecret: random() })
    : { ...kept, grpcSecret: kept.grpcSecret };
}

function random(): string {
  return randomBytes(32).toString("base64");
}

function write(file: string, secrets: Secrets): Secrets {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flush: true });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
  return secrets;
}

function parseSecrets(text: string, file: string): Omit<Secrets, "grpcSecret"> & { grpcSecret: string | undefined } {
  const parsed = readJson(text);
  if (typeof parsed === "object" && parsed !== null && "keyPepper" in parsed && "credentialKey" in parsed) {
    const { keyPepper, credentialKey } = parsed;
    const grpcSecret: unknown = Reflect.get(parsed, "grpcSecret");
    if (typeof keyPepper === "string" && typeof credentialKey === "string") {
      return { keyPepper, credentialKey, grpcSecret: typeof grpcSecret === "string" ? grpcSecret : undefined };
    }
  }
  throw new Error(`${file} is damaged: restore it from a backup; without it no stored key can be checked`);
}

/** What the text holds; undefined for what is no JSON. The parser's own error would quote a secret. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
