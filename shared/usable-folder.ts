import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ConfigError } from "./config-error.ts";

/** Options of `usableFolder`. */
export interface FolderOptions {
  /** True: a folder that is not there is made, with those above it; its owner alone may use it. */
  readonly make: boolean;
}

/**
 * A folder that files can be made in. Throws ConfigError, which names the variable, for one that is none: otherwise it would
 * be missed at the first file, much later.
 */
export function usableFolder(variable: string, path: string, { make }: FolderOptions): string {
  const wrong = (what: string) => new ConfigError(variable, `${variable}: ${path} ${what}`);
  try {
    if (make) makeFolder(resolve(path));
    if (!statSync(path).isDirectory()) throw wrong("is no directory");
    accessSync(path, constants.W_OK | constants.X_OK);
    return path;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw code === "EEXIST" ? wrong("is no directory") : wrong(`cannot be written to (${code})`);
  }
}

/** Node's own `recursive` never comes back where a folder cannot be made though the one above it is there, as in /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process was quicker.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
