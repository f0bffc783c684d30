import pg from "pg";
import { isBrokenConnection, OtherServer, sqlStateOf } from "./faults.ts";
import { columnTypes } from "./types.ts";
import { type DatabaseAddress, parseDatabaseUrl, type ServerAddress } from "./url.ts";

/** How a connection is opened. */
export interface ConnectionOptions {
  /** As libpq knows it: `postgres://user:password@host:port/database?sslmode=...`; see url.ts. */
  readonly url: string;
  /** Schema that names without one are looked up in. */
  readonly schema?: string | undefined;
  /** Role that the session takes on, to run with fewer rights than the user who connects: see `roleExpression`. */
  readonly role?: string | undefined;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** Longest run of a statement, in milliseconds; 0: no limit. */
  readonly statementTimeoutMs?: number | undefined;
  /** Longest wait for a lock, in milliseconds; 0: no limit. */
  readonly lockTimeoutMs?: number | undefined;
  /** Longest idle time inside a transaction, in milliseconds; 0: no limit. */
  readonly idleInTransactionTimeoutMs?: number | undefined;
  /** Longest wait for a connection, in milliseconds. */
  readonly connectTimeoutMs?: number | undefined;
  /** Further settings of the session, e.g. `{ plan_cache_mode: "force_custom_plan" }`. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** Where connections go: the servers of an address in turn, until one is found that will do. */
export interface Target {
  /** The driver's client, whose connections are ready for use: encrypted as asked, in their schema and role. */
  readonly Client: typeof pg.Client;
  /** Number of different ways to connect; after as many failures in a row none of them works. */
  readonly ways: number;
}

/** One way to connect. */
interface Way {
  readonly server: ServerAddress;
  readonly encrypted: boolean;
}

/** With several servers none may take all the time there is. */
const severalServersTimeoutMs = 2_000;
/** A user or database that is refused is refused by all servers alike. */
const invalidAuthorization = "28";

/**
 * Prepares to connect. Role, schema and settings are set after connecting, with one statement: in the start-up packet
 * PgBouncer knows none of them. It costs a round trip a connection.
 */
export function createTarget(options: ConnectionOptions): Target {
  const ways = waysOf(parseDatabaseUrl(options.url));
  const setUp = setUpStatement(options);
  let current = 0;

  /** Turns to the next way where another may do better; gives the error to throw. */
  function failed(index: number, error: unknown): unknown {
    const next = nextWay(ways, index, error);
    if (next === undefined) {
      current = 0;
      return error;
    }
    if (current === index) current = next;
    return new OtherServer(error);
  }

  class ReadyClient extends pg.Client {
    readonly #index: number;
    readonly #writable: boolean;

    constructor(config?: pg.ClientConfig) {
      const address = parseDatabaseUrl(options.url);
      super({ ...config, ...clientConfig(options, address, ways[current], ways.length > 1) });
      this.#index = current;
      this.#writable = address.writable;
    }

    // Overloads of the driver: with a callback, and with a promise.
    override connect(callback?: unknown): never {
      const opened = this.#open();
      if (typeof callback !== "function") return opened as never;
      opened.then(
        () => callback(null),
        (error: unknown) => callback(error),
      );
      return undefined as never;
    }

    async #open(): Promise<void> {
      // Between its opening and its use nobody else listens.
      const onError = (): void => undefined;
      this.on("error", onError);
      try {
        await super.connect();
        const { rows } = await this.query<{ standby: boolean; read_only: boolean }>(setUp);
        if (this.#writable && (rows[0]?.standby || rows[0]?.read_only))
          throw new ReadOnlyServer("the server takes no writes");
      } catch (error) {
        // It is being closed: what breaks until then is nobody's loss, and unheard it would end the process.
        void this.end().catch(() => undefined);
        throw failed(this.#index, error);
      }
      this.removeListener("error", onError);
    }
  }
  return { Client: ReadyClient, ways: ways.length };
}

/** Opens one connection, trying each way once. */
export async function connectTo({ Client, ways }: Target): Promise<pg.Client> {
  for (let tries = 1; ; tries++) {
    const client = new Client();
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (!(error instanceof OtherServer) || tries >= ways) throw error instanceof OtherServer ? error.cause : error;
    }
  }
}

class ReadOnlyServer extends Error {}

/** Every server with and without encryption, as far as its mode allows both. */
function waysOf({ servers, encryption }: DatabaseAddress): Way[] {
  const kinds = { never: [false], "if refused without": [false, true], "if offered": [true, false], always: [true] };
  // A Unix socket is never encrypted; libpq does not ask either.
  return servers.flatMap((server) =>
    (server.host.startsWith("/") ? [false] : kinds[encryption]).map((encrypted) => ({ server, encrypted })),
  );
}

/** The way to try after an error; undefined: none would do better. */
function nextWay(ways: readonly Way[], index: number, error: unknown): number | undefined {
  const { server, encrypted } = ways[index] ?? {};
  const state = sqlStateOf(error) ?? "";
  const after = (index + 1) % ways.length;
  const sameServer = ways[after]?.server === server && after !== index;
  // Refused by pg_hba.conf for want of encryption, or no encryption to be had.
  if (sameServer && after > index && (encrypted ? state === "" && !isUnreachable(error) : state === "28000"))
    return after;
  const other = ways.findIndex((way, at) => at > index && way.server !== server);
  const next = other >= 0 ? other : ways.findIndex((way) => way.server !== server);
  if (next < 0 || state.startsWith(invalidAuthorization)) return undefined;
  return isUnreachable(error) || error instanceof ReadOnlyServer || isBrokenConnection(error) ? next : undefined;
}

/** Nothing answers there. */
function isUnreachable(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return (
    /^(ECONN|EHOST|ENET|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_|ENOENT|EACCES)/.test(code ?? "") || message === "timeout expired"
  );
}

function clientConfig(
  options: ConnectionOptions,
  { user, password, database, tls, applicationName, options: serverOptions, channelBinding }: DatabaseAddress,
  way: Way | undefined,
  several: boolean,
): pg.ClientConfig {
  const limitMs = options.connectTimeoutMs ?? 0;
  return {
    host: way?.server.host,
    port: way?.server.port,
    user,
    password,
    database,
    ssl: way?.encrypted === true ? tls : false,
    options: serverOptions,
    application_name: applicationName ?? options.applicationName,
    connectionTimeoutMillis: several ? Math.min(limitMs || severalServersTimeoutMs, severalServersTimeoutMs) : limitMs,
    enableChannelBinding: channelBinding,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: columnTypes,
  };
}

/** Sets the session up, and says what kind of server it is. */
function setUpStatement(options: ConnectionOptions): string {
  const settings: Record<string, string> = {
    TimeZone: "UTC",
    statement_timeout: String(options.statementTimeoutMs ?? 0),
    ...(options.lockTimeoutMs === undefined ? {} : { lock_timeout: String(options.lockTimeoutMs) }),
    ...(options.idleInTransactionTimeoutMs === undefined
      ? {}
      : { idle_in_transaction_session_timeout: String(options.idleInTransactionTimeoutMs) }),
    ...(options.schema === undefined ? {} : { search_path: quoteIdentifier(options.schema) }),
    ...options.settings,
  };
  const values = Object.entries(settings).map(
    ([name, value]) => `set_config(${quoteLiteral(name)}, ${quoteLiteral(value)}, false)`,
  );
  if (options.role !== undefined) {
    const found = options.schema === undefined ? "null" : roleExpression(options.role, options.schema);
    values.push(`set_config('role', coalesce(${found}, ${quoteLiteral(options.role)}), false)`);
  }
  return `select pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as read_only,
    ${values.join(", ")}`;
}

/**
 * The role in this database, as SQL: `role` itself, or one whose name begins with it, whichever has the use of the schema.
 * Roles belong to the whole server, so `ensureRole` names them after the database; a database may be renamed, and be
 * restored under another name.
 */
export function roleExpression(role: string, schema: string): string {
  return `(select r.rolname::text from pg_namespace n, aclexplode(n.nspacl) a join pg_roles r on r.oid = a.grantee
    where n.nspname = ${quoteLiteral(schema)} and a.privilege_type = 'USAGE'
      and (r.rolname = ${quoteLiteral(role)} or starts_with(r.rolname, ${quoteLiteral(`${role}_`)}))
    order by r.rolname = ${ownRoleExpression(role)} desc, r.rolname limit 1)`;
}

/** The name of a role that only this database uses, as SQL. */
export function ownRoleExpression(role: string): string {
  return `(${quoteLiteral(`${role}_`)} || current_database())::name`;
}

/** Quotes a name for SQL. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a text for SQL. */
export function quoteLiteral(text: string): string {
  return pg.escapeLiteral(text);
}

/** Quotes `table` or `schema.table` for SQL. */
export function quoteTable(table: string): string {
  return table.split(".").map(quoteIdentifier).join(".");
}
