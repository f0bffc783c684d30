import { readFileSync } from "node:fs";
import { type ChannelCredentials, credentials, ServerCredentials } from "@grpc/grpc-js";

/** TLS of a server, from PEM files. Read once, at the start. */
export interface ServerTls {
  readonly certificateFile: string;
  readonly privateKeyFile: string;
  /** Authorities of client certificates. Given: a client without a certificate of theirs is refused. */
  readonly clientAuthoritiesFile?: string | undefined;
}

/** TLS of a client, from PEM files. Read once, at the start. */
export interface ClientTls {
  /** Authorities of the server's certificate. Default: those of Node. */
  readonly authoritiesFile?: string | undefined;
  /** The client's own certificate and key, where servers ask for one. */
  readonly certificateFile?: string | undefined;
  readonly privateKeyFile?: string | undefined;
  /** Name that the server's certificate must bear, where it is not the target's. */
  readonly serverName?: string | undefined;
}

/** Credentials of a server; plain text without TLS. */
export function serverCredentials(tls: ServerTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const authorities = readOptional(tls.clientAuthoritiesFile);
  const pair = { cert_chain: readFileSync(tls.certificateFile), private_key: readFileSync(tls.privateKeyFile) };
  return ServerCredentials.createSsl(authorities, [pair], authorities !== null);
}

/** Credentials of a client; plain text without TLS. */
export function clientCredentials(tls: ClientTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  return credentials.createSsl(
    readOptional(tls.authoritiesFile),
    readOptional(tls.privateKeyFile),
    readOptional(tls.certificateFile),
  );
}

function readOptional(file: string | undefined): Buffer | null {
  return file === undefined ? null : readFileSync(file);
}
