import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";

/** A file of the built console, as it is sent. */
export interface ConsoleFile {
  readonly type: string;
  readonly bytes: Buffer;
  /** The same, compressed; undefined: that would save nothing. */
  readonly gzipped: Buffer | undefined;
  readonly etag: string;
}

/** The built console: its files by their paths below the folder, e.g. "index.html" or "assets/main-B1x.js". */
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>;

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json; charset=utf-8",
};

const compress = promisify(gzip);

/**
 * Reads the built console. What is not in the list of its files is never looked for on the disk, so no path leads outside.
 * Undefined: it is not built.
 */
export async function readConsole(folder: string): Promise<ConsoleFiles | undefined> {
  let entries: Awaited<ReturnType<typeof list>>;
  try {
    entries = await list(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  const known = entries.filter(({ type }) => type !== undefined);
  const files = new Map(
    await Promise.all(known.map(async ({ path, type = "" }) => [path, await read(join(folder, path), type)] as const)),
  );
  return files.has("index.html") ? files : undefined;
}

async function list(folder: string) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => ({
      path: relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"),
      type: types[extname(entry.name)],
    }));
}

async function read(path: string, type: string): Promise<ConsoleFile> {
  const bytes = await readFile(path);
  const small = await compress(bytes, { level: constants.Z_BEST_COMPRESSION });
  return {
    type,
    bytes,
    gzipped: small.length < bytes.length ? small : undefined,
    etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
  };
}
