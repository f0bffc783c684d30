import { readFile, stat } from "node:fs/promises";

/** Options of `watchFile`. */
export interface WatchOptions {
  readonly path: string;
  /** Time between two looks, milliseconds. */
  readonly everyMs: number;
  /** Called with the text after each change. May reject: it is called again at the next look. */
  readonly onText: (text: string) => Promise<void>;
  /** Called when the file cannot be read or `onText` rejects. */
  readonly onError: (error: unknown) => void;
}

/** A file that is watched. */
export interface FileWatch {
  /** Looks now, without waiting for the next time; for tests. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Reads a file again whenever it changes. It looks at time, size and inode instead of listening to the file system: a
 * ConfigMap changes by the swap of a symbolic link far above the file, and editors replace rather than write. A change is
 * read once it has stood still from one look to the next, so a file that is just being written is not read half.
 *
 * @param seen what `fingerprint` gave when the file was last read.
 */
export function watchFile(options: WatchOptions, seen: string): FileWatch {
  const { path, everyMs, onText, onError } = options;
  let done = seen;
  let last = seen;
  let failed = "";
  let running: Promise<void> | undefined;
  let stopped = false;

  async function lookOnce(): Promise<void> {
    try {
      const now = await fingerprint(path);
      const still = now === last;
      last = now;
      if (!still || now === done) return;
      await onText(await readFile(path, "utf8"));
      done = now;
      failed = "";
    } catch (error) {
      // The same failure is told once, not at every look.
      const text = String(error);
      if (text !== failed) onError(error);
      failed = text;
    }
  }

  const look = (): Promise<void> => {
    running ??= lookOnce().finally(() => {
      running = undefined;
    });
    return running;
  };
  let timer = setTimeout(tick, everyMs);
  async function tick(): Promise<void> {
    await look();
    if (!stopped) timer = setTimeout(tick, everyMs);
  }

  return {
    look,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** What tells one state of a file from another without reading it. Rejects when the file is not there. */
export async function fingerprint(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}
