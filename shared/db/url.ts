import { parse } from "pg-connection-string";

/** One server of an address: a host name or the folder of a Unix socket, which begins with a slash. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** When a connection is encrypted: as libpq's `sslmode` says it, the kinds of checking aside. */
export type Encryption = "never" | "if refused without" | "if offered" | "always";

/** What an address of PostgreSQL says. */
export interface DatabaseAddress {
  readonly servers: readonly ServerAddress[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly encryption: Encryption;
  /** How the certificate is checked and which one is shown; Node's options of TLS. */
  readonly tls: object;
  /** Only a server that takes writes will do. */
  readonly writable: boolean;
  readonly applicationName: string | undefined;
  /** Options for the server's command line, sent as they are. */
  readonly options: string | undefined;
  readonly channelBinding: boolean;
}

const encryptions: Readonly<Record<string, Encryption>> = {
  disable: "never",
  allow: "if refused without",
  prefer: "if offered",
  require: "always",
  "verify-ca": "always",
  "verify-full": "always",
};
const sessionAttributes = ["any", "read-write", "primary"];
const knownTls = new Set(["sslmode", "sslrootcert", "sslcert", "sslkey", "ssl"]);
const defaultPort = 5_432;
const shape = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/;

/**
 * Reads an address as libpq does: several hosts, Unix sockets, `sslmode` with its files, `target_session_attrs`. Throws an
 * Error whose message names the mistake and no secret. Reads the files of certificates, so that a renewed one is found.
 * https://www.postgresql.org/docs/18/libpq-connect.html
 */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const [, userInfo = "", authority = "", path = "", query = ""] = shape.exec(text) ?? fail(wantedShape);
  const parameters = new URLSearchParams(query);
  const take = (name: string): string | undefined => {
    const value = parameters.get(name) ?? undefined;
    parameters.delete(name);
    return value === "" ? undefined : value;
  };
  const servers = readServers(authority, take("host"), take("port"));
  const attributes = take("target_session_attrs") ?? "any";
  if (!sessionAttributes.includes(attributes))
    fail(`has target_session_attrs=${attributes}; Throughline writes, so it is one of ${sessionAttributes.join(", ")}`);
  const { encryption, tlsParameters } = readTls(take);
  for (const name of parameters.keys())
    if (name.startsWith("ssl") || name.startsWith("target")) fail(`has the parameter ${name}, which is not known`);

  const channelBinding = take("channel_binding") === "require";
  const known = new URLSearchParams(tlsParameters);
  for (const name of ["user", "password", "options", "application_name"]) {
    const value = take(name);
    if (value !== undefined) known.set(name, value);
  }
  const database = take("dbname");
  const read = parseByLibrary(`postgres://${userInfo === "" ? "" : `${userInfo}@`}host${path}?${known}`);
  return {
    servers,
    user: read.user || undefined,
    password: read.password || undefined,
    database: database ?? read.database ?? undefined,
    encryption,
    tls: typeof read.ssl === "object" ? read.ssl : {},
    // A standby never does: several hosts are given for the one that is the primary now.
    writable: attributes !== "any" || servers.length > 1,
    applicationName: read.application_name,
    options: typeof read.options === "string" ? read.options : undefined,
    channelBinding,
  };
}

const wantedShape = "must be a URL such as postgres://user:password@host:5432/database";

class DatabaseUrlError extends Error {}

function fail(problem: string): never {
  throw new DatabaseUrlError(problem);
}

function readServers(authority: string, hosts: string | undefined, ports: string | undefined): ServerAddress[] {
  const inAuthority = authority === "" ? [] : authority.split(",").map(splitPort);
  const hostList = hosts?.split(",") ?? inAuthority.map(({ host }) => host);
  const portList = ports?.split(",") ?? inAuthority.map(({ port }) => port);
  if (hostList.length === 0) hostList.push("");
  if (portList.length > 1 && portList.length !== hostList.length)
    fail(`names ${hostList.length} hosts and ${portList.length} ports`);
  return hostList.map((host, index) => ({
    host: host === "" ? "localhost" : decode(host),
    port: readPort(portList.length === 1 ? portList[0] : portList[index]),
  }));
}

/** `host:port`, `[IPv6]:port` or either alone. */
function splitPort(text: string): { host: string; port: string } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*))(?::(.*))?$/.exec(text) ?? fail(wantedShape);
  return { host: match[1] ?? match[2] ?? "", port: match[3] ?? "" };
}

function readPort(text: string | undefined): number {
  if (text === undefined || text === "") return defaultPort;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port >= 1 && port <= 65_535 ? port : fail("has a port that is none");
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return fail("is not well encoded");
  }
}

/** `ssl=true` and `no-verify` are the driver's own words, from before. */
function readTls(take: (name: string) => string | undefined): {
  encryption: Encryption;
  tlsParameters: Record<string, string>;
} {
  const ssl = take("ssl");
  const given = take("sslmode") ?? (ssl === "true" || ssl === "1" ? "verify-full" : "allow");
  let mode = given === "no-verify" ? "require" : given;
  const encryption =
    encryptions[mode] ?? fail(`has sslmode=${mode}; it is one of ${Object.keys(encryptions).join(", ")}`);
  const tlsParameters: Record<string, string> = {};
  for (const name of knownTls) {
    const value = take(name);
    // The authorities that this system trusts.
    if (name === "sslrootcert" && value === "system") mode = "verify-full";
    else if (value !== undefined) tlsParameters[name] = value;
  }
  if (encryption === "never") return { encryption, tlsParameters: {} };
  if (mode === "verify-ca" && tlsParameters.sslrootcert === undefined)
    fail("has sslmode=verify-ca, which needs sslrootcert");
  return { encryption, tlsParameters: { ...tlsParameters, sslmode: mode === "allow" ? "prefer" : mode } };
}

function parseByLibrary(text: string) {
  try {
    return parse(text, { useLibpqCompat: true });
  } catch (error) {
    // Only what the file system says: other messages repeat the address.
    const { syscall, code, path } = error as NodeJS.ErrnoException;
    return fail(
      syscall === undefined ? "is not well encoded" : `names the file ${path}, which cannot be read (${code})`,
    );
  }
}
