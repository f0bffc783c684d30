import { isIP } from "node:net";
import { checkServerIdentity, type SecureContextOptions } from "node:tls";
import { ChannelCredentials, type ChannelOptions, credentials, ServerCredentials } from "@grpc/grpc-js";
import { followTls, readTls, type TlsFiles, type TlsMaterial } from "./tls-files.ts";

/** TLS of a server, from PEM files, which are read again when they change. */
export interface ServerTls {
  readonly certificateFile: string;
  readonly privateKeyFile: string;
  /** Authorities of client certificates. Given: a client without a certificate of theirs is refused. */
  readonly clientAuthoritiesFile?: string | undefined;
  /** Time between two looks at the files, milliseconds. Default 10,000. */
  readonly lookEveryMs?: number | undefined;
}

/** TLS of a client, from PEM files, which are read again when they change. */
export interface ClientTls {
  /** Authorities of the server's certificate. Default: those of Node. */
  readonly authoritiesFile?: string | undefined;
  /** The client's own certificate and key, where servers ask for one. */
  readonly certificateFile?: string | undefined;
  readonly privateKeyFile?: string | undefined;
  /** Name that the server's certificate must bear, where it is not the target's. */
  readonly serverName?: string | undefined;
  /** Time between two looks at the files, milliseconds. Default 10,000. */
  readonly lookEveryMs?: number | undefined;
}

/** Credentials and the way to let go of what they follow. */
export interface Followed<C> {
  readonly credentials: C;
  /** What the last handshake came to; undefined: none has failed, or the last one was good. */
  fault?(): Error | undefined;
  stop(): void;
}

/** Credentials of a server; plain text without TLS. Throws TlsFileError. */
export function serverCredentials(tls: ServerTls | undefined): Followed<ServerCredentials> {
  if (tls === undefined) return { credentials: ServerCredentials.createInsecure(), stop() {} };
  const { certificateFile, privateKeyFile, clientAuthoritiesFile: authoritiesFile, lookEveryMs: everyMs } = tls;
  const files: TlsFiles = { certificateFile, privateKeyFile, authoritiesFile };
  const initial = readTls(files);
  const followed = new FollowedServerCredentials(initial);
  const onChange = (material: TlsMaterial): void => followed.renew(material);
  return { credentials: followed, stop: followTls(files, { initial, everyMs, onChange }) };
}

/** Credentials of a client; plain text without TLS. Throws TlsFileError. */
export function clientCredentials(tls: ClientTls | undefined): Followed<ChannelCredentials> {
  if (tls === undefined) return { credentials: credentials.createInsecure(), stop() {} };
  const initial = readTls(tls);
  const followed = new FollowedChannelCredentials(initial);
  const onChange = (material: TlsMaterial): void => followed.renew(material);
  return {
    credentials: followed,
    fault: () => followed.fault,
    stop: followTls(tls, { initial, everyMs: tls.lookEveryMs, onChange }),
  };
}

/** New connections of the server take the newest certificate; those that stand are left alone. */
class FollowedServerCredentials extends ServerCredentials {
  constructor(material: TlsMaterial) {
    const requestCert = material.authorities !== undefined;
    super({ requestCert, rejectUnauthorized: requestCert }, contextOptions(material));
  }

  renew(material: TlsMaterial): void {
    this.updateSecureContextOptions(contextOptions(material));
  }

  _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOptions({ certificate, privateKey, authorities }: TlsMaterial): SecureContextOptions {
  return { cert: certificate, key: privateKey, ca: authorities };
}

type Connector = ReturnType<ChannelCredentials["_createSecureConnector"]>;

/** Each new connection of a channel takes the newest files. */
class FollowedChannelCredentials extends ChannelCredentials {
  fault: Error | undefined;
  private material: TlsMaterial;

  constructor(material: TlsMaterial) {
    super();
    this.material = material;
  }

  renew(material: TlsMaterial): void {
    this.material = material;
  }

  _isSecure(): boolean {
    return true;
  }

  _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  _createSecureConnector(
    ...[target, options, perCall]: Parameters<ChannelCredentials["_createSecureConnector"]>
  ): Connector {
    const address = "grpc.ssl_target_name_override" in options ? undefined : ipOf(target.path);
    const named = address === undefined ? options : withName(options);
    const connector = () => newest(this.material, address)._createSecureConnector(target, named, perCall);
    const first = connector();
    return {
      connect: async (socket) => {
        try {
          const secure = await connector().connect(socket);
          this.fault = undefined;
          return secure;
        } catch (error) {
          this.fault = error instanceof Error ? error : new Error(String(error));
          throw error;
        }
      },
      waitForReady: () => first.waitForReady(),
      getCallCredentials: () => first.getCallCredentials(),
      destroy: () => first.destroy(),
    };
  }
}

function newest(
  { authorities, privateKey, certificate }: TlsMaterial,
  address: string | undefined,
): ChannelCredentials {
  return credentials.createSsl(
    authorities ?? null,
    privateKey ?? null,
    certificate ?? null,
    address === undefined ? {} : { checkServerIdentity: (_name, seen) => checkServerIdentity(address, seen) },
  );
}

/**
 * A client may not name an address in its greeting (RFC 6066), and Node warns of it (DEP0123). The certificate is held
 * against the address all the same.
 */
function withName(options: ChannelOptions): ChannelOptions {
  return { ...options, "grpc.ssl_target_name_override": "throughline.invalid" };
}

/** The address of a target that has one in place of a name: `127.0.0.1:1`, `[::1]:1,[::1]:2`. */
function ipOf(path: string): string | undefined {
  const [first = ""] = path.split(",");
  const [, bracketed, plain] = /^(?:\[([^\]]+)\](?::\d+)?|([^:]+)(?::\d+)?|.*)$/.exec(first) ?? [];
  const host = bracketed ?? plain ?? first;
  return isIP(host) === 0 ? undefined : host;
}
