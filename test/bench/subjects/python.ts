import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { BenchError } from "../bench-error.ts";

const run = promisify(execFile);

/** Where the bench keeps what it installs: one installation for all checkouts. */
const cacheFolder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "throughline-bench");

/** A package of PyPI with what else it needs, in an exact version. */
export interface PythonPackage {
  readonly name: string;
  readonly extra: string;
  readonly version: string;
  /** Second number of the oldest Python 3 that it runs on. */
  readonly oldestMinor: number;
}

/** A virtual environment with a package in it. */
export interface PythonHome {
  readonly folder: string;
  /** Such as `3.11.7`. */
  readonly python: string;
}

/** Installs a package into a virtual environment of its own, once; says so where there is no Python for it on the PATH. */
export async function installed(
  { name, extra, version, oldestMinor }: PythonPackage,
  say: (text: string) => void,
  path: string | undefined = process.env.PATH,
): Promise<PythonHome> {
  const { command, python } = await findPython(name, oldestMinor, path);
  const folder = join(cacheFolder, `${name}-${version}-python${python}`);
  // Written last: without it an installation was broken off.
  const whole = join(folder, "installed");
  if (existsSync(whole)) return { folder, python };
  say(`installing ${name} ${version} from PyPI into ${folder}: once, some minutes`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(cacheFolder, { recursive: true });
  try {
    await run(command, ["-m", "venv", folder]);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", `${name}[${extra}]==${version}`];
    await run(join(folder, "bin", "python"), pip, { maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    throw new BenchError(`${name} ${version} cannot be installed: ${said(error)}`);
  }
  await writeFile(whole, "");
  return { folder, python };
}

async function findPython(
  name: string,
  oldestMinor: number,
  path: string | undefined,
): Promise<{ command: string; python: string }> {
  const seen: string[] = [];
  for (const command of ["python3", "python"]) {
    const python = await versionOf(command, path);
    if (python === undefined) continue;
    const [major = 0, minor = 0] = python.split(".").map(Number);
    if (major === 3 && minor >= oldestMinor) return { command, python };
    seen.push(`${command} is ${python}`);
  }
  const why = seen.length === 0 ? "there is none on the PATH" : seen.join(", ");
  throw new BenchError(
    `${name} needs Python 3.${oldestMinor} or later, and ${why}. Install one, or leave --peer ${name} out.`,
  );
}

async function versionOf(command: string, path: string | undefined): Promise<string | undefined> {
  try {
    const { stdout } = await run(command, ["-c", "import platform; print(platform.python_version())"], {
      env: { PATH: path },
    });
    return stdout.trim();
  } catch {
    return undefined;
  }
}

/** The end of what a command said on its error output. */
function said(error: unknown): string {
  const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
  return (stderr || message).trim().slice(-1_000);
}
