import { randomInt } from "node:crypto";
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 43 letters of 62 hold 256 bits, as in the keys that billing makes. */
const secretLetters = 43;

/** Where a deployment that keeps its own secrets keeps the administration key. */
export function adminKeyFile(dataFolder: string): string {
  return join(dataFolder, "admin-key");
}

/** The administration key of a data folder; undefined: it has none. */
export function readAdminKey(dataFolder: string): string | undefined {
  const file = adminKeyFile(dataFolder);
  return existsSync(file) ? readFileSync(file, "utf8").trim() || undefined : undefined;
}

/** Makes an administration key and keeps it in the data folder, readable by its owner alone. */
export function makeAdminKey(dataFolder: string): string {
  let secret = "tl-cli-";
  for (let i = 0; i < secretLetters; i++) secret += letters.charAt(randomInt(letters.length));
  keepAdminKey(dataFolder, secret);
  return secret;
}

/** Keeps an administration key in the data folder in place of the one that is there, readable by its owner alone. */
export function keepAdminKey(dataFolder: string, secret: string): void {
  const file = adminKeyFile(dataFolder);
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${secret}\n`, { mode: 0o600, flush: true });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}
