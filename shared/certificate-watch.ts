import type { Log } from "./log.ts";
import { followTls, readTls, type TlsFiles } from "./rpc/index.ts";

/** The end of this process's certificate, watched. */
export interface CertificateWatch {
  /** Unix seconds at which the certificate in use ends. */
  endsUnixS(): number;
  stop(): void;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** Time enough to renew by hand. */
const warnBeforeMs = 14 * dayMs;

/** Options of `watchCertificate`. */
export interface CertificateWatchOptions {
  readonly log: Pick<Log, "info" | "warn">;
  /** Time between two looks at the files, milliseconds. Default 10,000. */
  readonly lookEveryMs?: number | undefined;
  /** Time between two warnings, milliseconds. Default: an hour. */
  readonly warnEveryMs?: number | undefined;
}

/**
 * Tells of a certificate that ends within 14 days, now and every hour, of one that was renewed, and of files that cannot
 * be used. Throws TlsFileError when the files cannot be used at the start.
 */
export function watchCertificate(
  files: TlsFiles,
  { log, lookEveryMs, warnEveryMs = hourMs }: CertificateWatchOptions,
): CertificateWatch {
  const initial = readTls(files);
  let endsMs = initial.endsMs ?? Number.POSITIVE_INFINITY;
  let faultLoggedMs = Number.NEGATIVE_INFINITY;
  const fields = () =>
    Number.isFinite(endsMs)
      ? { certificate: files.certificateFile, ends: new Date(endsMs).toISOString() }
      : { authorities: files.authoritiesFile };
  const warn = (): void => {
    const leftMs = endsMs - Date.now();
    if (leftMs < 0) log.warn(fields(), "the certificate of this process has ended");
    else if (leftMs < warnBeforeMs) {
      log.warn(
        { ...fields(), days: Math.floor(leftMs / dayMs) },
        "the certificate of this process ends soon: renew it",
      );
    }
  };
  warn();
  const timer = setInterval(warn, warnEveryMs);
  timer.unref();
  const stop = followTls(files, {
    initial,
    everyMs: lookEveryMs,
    onChange(material) {
      endsMs = material.endsMs ?? Number.POSITIVE_INFINITY;
      log.info(fields(), "the files of TLS were read again: new connections use them");
      warn();
    },
    onFault(error) {
      // Between the two files of a pair this is the usual state for a moment; a minute of it is a mistake.
      if (performance.now() - faultLoggedMs < 60_000) return;
      faultLoggedMs = performance.now();
      log.warn({ err: error }, "the new certificate cannot be used; the old one stays in use");
    },
  });
  return {
    endsUnixS: () => endsMs / 1_000,
    stop() {
      clearInterval(timer);
      stop();
    },
  };
}
