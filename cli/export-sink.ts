import { once } from "node:events";
import { open, readFile, rename, writeFile } from "node:fs/promises";
import { CommandError } from "./command.ts";

/** Where an export writes its lines. */
export interface ExportSink {
  /** Where the run before ended; undefined: there was none. */
  readonly cursor: string | undefined;
  /** Writes a page, then notes that it is there. */
  write(lines: string, nextCursor: string): Promise<void>;
  close(): Promise<void>;
}

/** What `--resume` keeps: the cursor behind the page that ends at this byte of the file. */
interface Progress {
  readonly cursor: string;
  readonly bytes: number;
}

/**
 * Opens standard output, a new file, or one that a run before has begun: what it wrote behind its last page that is noted is
 * cut off, for it comes again. So whenever a run is stopped, each line stands in the file once.
 */
export async function openSink({
  out,
  resume,
}: {
  out: string | undefined;
  resume: string | undefined;
}): Promise<ExportSink> {
  if (out === undefined) return standardOutput();
  const progress = resume === undefined ? undefined : await readProgress(resume);
  const file = await open(out, progress === undefined ? "w" : "r+", 0o600);
  let { bytes } = progress ?? { bytes: 0 };
  await file.truncate(bytes);
  return {
    cursor: progress?.cursor,
    async write(lines, cursor) {
      const page = Buffer.from(lines);
      for (let from = 0; from < page.length; ) {
        const { bytesWritten } = await file.write(page, from, page.length - from, bytes);
        from += bytesWritten;
        bytes += bytesWritten;
      }
      if (resume === undefined) return;
      await file.datasync();
      await writeProgress(resume, { cursor, bytes });
    },
    close: () => file.close(),
  };
}

function standardOutput(): ExportSink {
  const broken = once(process.stdout, "error").then(([error]: unknown[]) => {
    throw error;
  });
  broken.catch(() => undefined);
  return {
    cursor: undefined,
    async write(lines) {
      if (!process.stdout.write(lines)) await Promise.race([once(process.stdout, "drain"), broken]);
    },
    async close() {},
  };
}

async function readProgress(file: string): Promise<Progress | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (Reflect.get(Object(error), "code") === "ENOENT") return undefined;
    throw error;
  }
  const { cursor, bytes } = asObject(text);
  if (typeof cursor === "string" && Number.isSafeInteger(bytes)) return { cursor, bytes: Number(bytes) };
  throw new CommandError(`${file} was not written by export --resume; remove it to begin anew`);
}

function asObject(text: string): { cursor?: unknown; bytes?: unknown } {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return {};
  }
}

/** Renamed into its place: a process that ends in the middle leaves the one before. */
async function writeProgress(file: string, progress: Progress): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(progress), { mode: 0o600 });
  await rename(`${file}.new`, file);
}
