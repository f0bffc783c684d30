import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { Log } from "./log.ts";
import { followTls, readTls, type TlsMaterial } from "./rpc/index.ts";

const nothing: TlsMaterial = {
  certificate: undefined,
  privateKey: undefined,
  authorities: undefined,
  endsMs: undefined,
};
const certificates = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Options of `followExtraAuthorities`. */
export interface FollowExtraOptions {
  readonly log: Pick<Log, "info" | "warn">;
  /** Time between two looks at the file, milliseconds. Default 10,000. */
  readonly lookEveryMs?: number | undefined;
}

/**
 * Reads the file of NODE_EXTRA_CA_CERTS again when it changes, which Node does not: new connections to upstreams, receivers of
 * webhooks, the object store, Valkey and the collector trust what it holds now. A file that cannot be used leaves what was
 * trusted before, and the log says why. Gives the way to stop.
 */
export function followExtraAuthorities(file: string, { log, lookEveryMs }: FollowExtraOptions): () => void {
  // Node has loaded what it could of the file; these are the others.
  const extra = new Set(getCACertificates("extra"));
  const others = getCACertificates("default").filter((certificate) => !extra.has(certificate));
  const warn = (error: unknown): void =>
    log.warn({ err: error, file }, "the authorities of NODE_EXTRA_CA_CERTS cannot be used; those from before stay");
  let wasFault = false;
  let initial = nothing;
  try {
    initial = readTls({ authoritiesFile: file });
  } catch (error) {
    wasFault = true;
    warn(error);
  }
  return followTls(
    { authoritiesFile: file },
    {
      initial,
      everyMs: lookEveryMs,
      onChange({ authorities }) {
        wasFault = false;
        const read = authorities?.toString("latin1").match(certificates) ?? [];
        setDefaultCACertificates([...others, ...read]);
        log.info({ file, authorities: read.length }, "NODE_EXTRA_CA_CERTS was read again: new connections trust it");
      },
      onFault(error) {
        // Said once for each time that it breaks.
        if (!wasFault) warn(error);
        wasFault = true;
      },
    },
  );
}
