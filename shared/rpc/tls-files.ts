import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";

/** Files (PEM) that a side of a connection is known by and knows others by. */
export interface TlsFiles {
  readonly certificateFile?: string | undefined;
  readonly privateKeyFile?: string | undefined;
  readonly authoritiesFile?: string | undefined;
}

/** What was in the files, checked: it can be used. */
export interface TlsMaterial {
  readonly certificate: Buffer | undefined;
  readonly privateKey: Buffer | undefined;
  readonly authorities: Buffer | undefined;
  /** Unix milliseconds at which the own certificate ends. Undefined: there is none. */
  readonly endsMs: number | undefined;
}

/** A file that cannot be used. The message follows the file's name. */
export class TlsFileError extends Error {
  readonly file: keyof TlsFiles;

  constructor(file: keyof TlsFiles, path: string, why: string, cause?: unknown) {
    super(`${path} ${why}`, { cause });
    this.name = "TlsFileError";
    this.file = file;
  }
}

type Contents = Readonly<Partial<Record<keyof TlsFiles, Buffer | undefined>>>;

const names = ["certificateFile", "privateKeyFile", "authoritiesFile"] as const satisfies (keyof TlsFiles)[];

/** Reads and checks the files. Throws TlsFileError. */
export function readTls(files: TlsFiles): TlsMaterial {
  const contents: Partial<Record<keyof TlsFiles, Buffer>> = {};
  for (const name of names) {
    const path = files[name];
    if (path !== undefined) contents[name] = attempt(name, path, "cannot be read", () => readFileSync(path));
  }
  return check(files, contents);
}

/** Options of `followTls`. */
export interface FollowOptions {
  /** What the files held when they were read first. */
  readonly initial: TlsMaterial;
  /** Time between two looks, milliseconds. */
  readonly everyMs?: number | undefined;
  /** Called with what is new; the old stays in use where the new cannot be used. */
  readonly onChange: (material: TlsMaterial) => void;
  readonly onFault?: ((error: unknown) => void) | undefined;
}

/** Reads the files again when they change: certificates are renewed while processes run. Gives the way to stop. */
export function followTls(
  files: TlsFiles,
  { initial, everyMs = 10_000, onChange, onFault }: FollowOptions,
): () => void {
  let known: Contents = {
    certificateFile: initial.certificate,
    privateKeyFile: initial.privateKey,
    authoritiesFile: initial.authorities,
  };
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    try {
      const contents: Partial<Record<keyof TlsFiles, Buffer>> = {};
      for (const name of names) {
        const path = files[name];
        if (path !== undefined) contents[name] = await readFile(path);
      }
      if (names.every((name) => same(known[name], contents[name]))) return;
      // A certificate whose key comes a moment later is no pair yet: the next look finds it.
      const material = check(files, contents);
      known = contents;
      onChange(material);
    } catch (error) {
      onFault?.(error);
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

function same(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}

function check(files: TlsFiles, contents: Contents): TlsMaterial {
  const { certificateFile: certificate, privateKeyFile: privateKey, authoritiesFile: authorities } = contents;
  const certificatePath = files.certificateFile ?? "";
  const [leaf] = certificate === undefined ? [] : certificatesIn("certificateFile", certificatePath, certificate);
  if (authorities !== undefined) certificatesIn("authoritiesFile", files.authoritiesFile ?? "", authorities);
  if (privateKey !== undefined) {
    const path = files.privateKeyFile ?? "";
    const key = attempt("privateKeyFile", path, "has no private key in PEM", () => createPrivateKey(privateKey));
    if (leaf !== undefined && !belongs(leaf, key))
      throw new TlsFileError("privateKeyFile", path, `is not the key of the certificate in ${certificatePath}`);
  }
  attempt("certificateFile", certificatePath, "cannot be used", () =>
    createSecureContext({ cert: certificate, key: privateKey, ca: authorities }),
  );
  return { certificate, privateKey, authorities, endsMs: leaf === undefined ? undefined : leaf.validToDate.getTime() };
}

const pem = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

function certificatesIn(name: keyof TlsFiles, path: string, contents: Buffer): readonly X509Certificate[] {
  const found = contents.toString("latin1").match(pem) ?? [];
  if (found.length === 0) throw new TlsFileError(name, path, "has no certificate in PEM");
  return found.map((text) =>
    attempt(name, path, "has a certificate that cannot be read", () => new X509Certificate(text)),
  );
}

function belongs(leaf: X509Certificate, key: KeyObject): boolean {
  return leaf.checkPrivateKey(key);
}

function attempt<T>(name: keyof TlsFiles, path: string, why: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const code: unknown = Reflect.get(Object(error), "code");
    throw new TlsFileError(name, path, typeof code === "string" ? `${why} (${code})` : why, error);
  }
}
