import { execFile } from "node:child_process";
import { access, constants, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** How PostgreSQL's programs are started on this machine. */
export interface Launcher {
  /** Owner of the data directory; undefined: whoever runs this process. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** The command that runs `program` as the owner. */
  command(program: string, args: readonly string[]): { file: string; args: string[]; uid?: number; gid?: number };
}

const userName = "postgres";

/**
 * PostgreSQL refuses to run as root. As another user programs start as they are; as root they start as the user
 * `postgres`, which is created when missing. Where a directory above one of `paths` is closed to that user (a clone under
 * /root, or under `mktemp -d`), the programs start with the one capability that lets them pass through, by util-linux'
 * `setpriv`, instead of the directory being opened to everybody. Throws when none of this is possible.
 */
export async function createLauncher(paths: readonly string[]): Promise<Launcher> {
  if (process.getuid?.() !== 0) {
    return { owner: undefined, command: (file, args) => ({ file, args: [...args] }) };
  }
  const owner = (await findUser()) ?? (await createUser());
  const closed = await firstClosedDirectory(paths, owner);
  if (closed === undefined) return { owner, command: (file, args) => ({ file, args: [...args], ...owner }) };
  const [setpriv, capability] = await Promise.all([findProgram("setpriv"), findPassCapability()]);
  if (setpriv === undefined || capability === undefined) {
    throw new Error(
      `The embedded PostgreSQL runs as the user "${userName}", which cannot pass through ${closed}: ` +
        "move the data directory and the program, install util-linux (setpriv), or start as a user other than root",
    );
  }
  const privileges = [
    // Without it access(2), by which PostgreSQL looks for its own programs, leaves the capability out of account.
    "--securebits=+no_setuid_fixup",
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    "--clear-groups",
    `--inh-caps=+${capability}`,
    `--ambient-caps=+${capability}`,
    "--",
  ];
  return { owner, command: (file, args) => ({ file: setpriv, args: [...privileges, file, ...args] }) };
}

/** Bits of a capability set, of capabilities(7), narrowest first. Containers leave root without the first one. */
const passCapabilities = [
  ["dac_read_search", 2n],
  ["dac_override", 1n],
] as const;

/** The narrowest capability of this process that lets it pass through any directory. */
async function findPassCapability(): Promise<string | undefined> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const permitted = BigInt(`0x${/^CapPrm:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return passCapabilities.find(([, bit]) => ((permitted >> bit) & 1n) === 1n)?.[0];
}

async function findUser(): Promise<{ uid: number; gid: number } | undefined> {
  try {
    const [uid, gid] = await Promise.all([run("id", ["-u", userName]), run("id", ["-g", userName])]);
    return { uid: Number.parseInt(uid.stdout, 10), gid: Number.parseInt(gid.stdout, 10) };
  } catch {
    return undefined;
  }
}

async function createUser(): Promise<{ uid: number; gid: number }> {
  let failure: unknown;
  try {
    await run("useradd", ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", userName]);
  } catch (error) {
    failure = error;
  }
  // Looked up after a failure too: another process may have created it meanwhile.
  const owner = await findUser();
  if (owner === undefined) {
    throw new Error(`The embedded PostgreSQL cannot run as root, and the user "${userName}" could not be created`, {
      cause: failure,
    });
  }
  return owner;
}

/** The first directory above the paths that `owner` may not pass through. */
async function firstClosedDirectory(
  paths: readonly string[],
  owner: { uid: number; gid: number },
): Promise<string | undefined> {
  for (const start of paths) {
    for (let directory = path.dirname(path.resolve(start)); ; directory = path.dirname(directory)) {
      const { mode, uid, gid } = await stat(directory);
      const shift = uid === owner.uid ? 6 : gid === owner.gid ? 3 : 0;
      if (((mode >> shift) & constants.X_OK) === 0) return directory;
      if (directory === path.dirname(directory)) break;
    }
  }
  return undefined;
}

async function findProgram(name: string): Promise<string | undefined> {
  for (const directory of ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"]) {
    const file = path.join(directory, name);
    if (
      await access(file, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return file;
  }
  return undefined;
}
