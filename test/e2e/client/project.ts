import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const packages = join(root, "node_modules");
const run = promisify(execFile);

/** The typed client as it is published, in a folder of its own. */
export interface PackedClient extends AsyncDisposable {
  readonly tarball: string;
}

/** Packs the client as `npm pack` does for everybody. */
export async function packClient(): Promise<PackedClient> {
  const folder = await mkdtemp(join(tmpdir(), "throughline-packed-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await run("npm", ["pack", "--pack-destination", folder], { cwd: join(root, "client") });
    const [name = ""] = await readdir(folder);
    return { tarball: join(folder, name), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Somebody's project outside of the repository, with the packed client in it. */
export interface Project extends AsyncDisposable {
  readonly folder: string;
  write(name: string, text: string): Promise<void>;
  /** Compiles it; gives what the compiler says, and the files that it wrote. */
  compile(typescript: "typescript-5.8" | "typescript-7", skipLibCheck: boolean): Promise<Compiled>;
  /** Runs a compiled file; gives what it wrote, a JSON value a line. */
  run(file: string, environment: Readonly<Record<string, string>>): Promise<unknown[]>;
}

/** What a compiler made. */
export interface Compiled {
  readonly says: string;
  readonly files: readonly string[];
}

/**
 * Makes one: `npm init`, then `npm install` of the tarball. What it depends on is taken from this repository's packages, so that
 * no registry is asked.
 *
 * @param trpc packages of tRPC to install: the version of the gateway, or the newest.
 */
export async function createProject(tarball: string, trpc: readonly string[]): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), "throughline-project-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await run("npm", ["init", "-y"], { cwd: folder });
    // tRPC has TypeScript as a peer, which npm would look up by itself.
    const local = [...trpc, "typescript"].map((name) => join(packages, name));
    const quiet = ["--offline", "--install-links", "--no-audit", "--no-fund", "--loglevel=error"];
    await run("npm", ["install", ...quiet, tarball, ...local], { cwd: folder });
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    folder,
    write: (name, text) => writeFile(join(folder, name), text),
    async compile(typescript, skipLibCheck) {
      const out = join(folder, "out");
      await rm(out, { recursive: true, force: true });
      const compilerOptions = { target: "es2022", module: "nodenext", strict: true, skipLibCheck, outDir: "out" };
      const config = { compilerOptions, include: ["*.mts", "*.cts"] };
      await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
      const tsc = join(packages, typescript, "bin/tsc");
      const says = await run(process.execPath, [tsc, "-p", folder, "--pretty", "false"]).then(
        ({ stdout }) => stdout,
        (error: { stdout: string }) => error.stdout,
      );
      const files = await readdir(out, { recursive: true }).catch(() => []);
      return { says, files: files.sort() };
    },
    async run(file, environment) {
      const env = { PATH: process.env.PATH ?? "", ...environment };
      const { stdout } = await run(process.execPath, [join(folder, "out", file)], { env });
      return stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown);
    },
    [Symbol.asyncDispose]: remove,
  };
}
