import { ConfigError, type Env } from "./config.ts";
import {
  type ClientTls,
  type PeerSecrets,
  parsePeerSecrets,
  readTls,
  type ServerTls,
  TlsFileError,
  type TlsFiles,
} from "./rpc/index.ts";

/** The settings by which processes know each other. */
export interface TrustSettings {
  readonly GRPC_SECRET: string | undefined;
  readonly GRPC_TLS_CERT_FILE: string | undefined;
  readonly GRPC_TLS_KEY_FILE: string | undefined;
  readonly GRPC_TLS_CA_FILE: string | undefined;
}

/** One without the other would leave the server on plain text without a word. */
export function assertWholePair({ GRPC_TLS_CERT_FILE: certificate, GRPC_TLS_KEY_FILE: key }: TrustSettings): void {
  if ((certificate === undefined) === (key === undefined)) return;
  const missing = certificate === undefined ? "GRPC_TLS_CERT_FILE" : "GRPC_TLS_KEY_FILE";
  throw new ConfigError(missing, `${missing} must be set: a certificate and its private key go together`);
}

const tlsVariables = {
  certificateFile: "GRPC_TLS_CERT_FILE",
  privateKeyFile: "GRPC_TLS_KEY_FILE",
  authoritiesFile: "GRPC_TLS_CA_FILE",
} as const satisfies Record<keyof TlsFiles, keyof TrustSettings>;

/**
 * A file of certificates that is empty, away or junk is told here. Later it would mean that nobody can connect, and a
 * variable that was not filled in, that nobody is asked for a certificate.
 */
export function assertTlsFiles(env: Env, read: TrustSettings): void {
  for (const variable of Object.values(tlsVariables)) {
    if (env[variable] !== undefined && read[variable] === undefined) {
      throw new ConfigError(variable, `${variable} is set but empty: name a file, or take the variable out`);
    }
  }
  try {
    readTls(tlsFiles(read));
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error;
    const variable = tlsVariables[error.file];
    throw new ConfigError(variable, `${variable}: ${error.message}`);
  }
}

/** Node itself goes on without a word that a client would see: every upstream behind such an authority would be refused later. */
export function assertExtraAuthorities(file: string | undefined): void {
  if (file === undefined) return;
  try {
    readTls({ authoritiesFile: file });
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error;
    throw new ConfigError("NODE_EXTRA_CA_CERTS", `NODE_EXTRA_CA_CERTS: ${error.message}`);
  }
}

/** The files that the settings name. */
export function tlsFiles(read: TrustSettings): TlsFiles {
  return {
    certificateFile: read.GRPC_TLS_CERT_FILE,
    privateKeyFile: read.GRPC_TLS_KEY_FILE,
    authoritiesFile: read.GRPC_TLS_CA_FILE,
  };
}

/** Everybody who reaches the port of a service administers it, so no process serves or calls in the open by oversight. */
export function assertTrust({ GRPC_SECRET, GRPC_TLS_CERT_FILE, GRPC_TLS_CA_FILE }: TrustSettings): void {
  if (GRPC_SECRET !== undefined || (GRPC_TLS_CERT_FILE !== undefined && GRPC_TLS_CA_FILE !== undefined)) return;
  throw new ConfigError(
    "GRPC_SECRET",
    "GRPC_SECRET must be set, the same for all six processes (openssl rand -base64 32), or GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE and GRPC_TLS_CA_FILE for mutual TLS",
  );
}

/** What processes with this environment know each other by; undefined: nothing but TLS. */
export function peerSecrets({ GRPC_SECRET }: TrustSettings): PeerSecrets | undefined {
  return GRPC_SECRET === undefined ? undefined : parsePeerSecrets(GRPC_SECRET);
}

/** How a process with this environment speaks to services; undefined: in plain text. */
export function clientTls(read: TrustSettings): ClientTls | undefined {
  if (read.GRPC_TLS_CERT_FILE === undefined && read.GRPC_TLS_CA_FILE === undefined) return undefined;
  return tlsFiles(read);
}

/** TLS of a server with these settings; undefined: plain text. */
export function serverTls(read: TrustSettings): ServerTls | undefined {
  const { GRPC_TLS_CERT_FILE: certificateFile, GRPC_TLS_KEY_FILE: privateKeyFile } = read;
  if (certificateFile === undefined || privateKeyFile === undefined) return undefined;
  return { certificateFile, privateKeyFile, clientAuthoritiesFile: read.GRPC_TLS_CA_FILE };
}
