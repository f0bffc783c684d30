import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectTo, createTarget } from "./connection.ts";
import { createDatabase } from "./database.ts";
import { throwawaySettings } from "./embedded/settings.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./embedded/start.ts";
import { createListener } from "./listener.ts";
import { statement } from "./statement.ts";
import { silentLog } from "./testing.ts";

// Passable for the user that the server runs as.
const root = mkdtempSync(path.join(tmpdir(), "throughline-connection-"));
chmodSync(root, 0o711);
const sockets = path.join(root, "sockets");
const file = (name: string): string => path.join(root, name);
let primary: EmbeddedPostgres;
let standby: EmbeddedPostgres;
let plain: EmbeddedPostgres;

/** An authority, and a certificate of it for the name localhost. */
function makeCertificates(): void {
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: root, stdio: "pipe" });
  const subject = (name: string) => [
    "-subj",
    `/CN=${name}`,
    "-nodes",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
  ];
  for (const name of ["authority", "stranger"])
    openssl("req", "-x509", ...subject(name), "-keyout", `${name}.key`, "-out", `${name}.crt`, "-days", "2");
  openssl("req", ...subject("localhost"), "-keyout", "server.key", "-out", "server.csr");
  writeFileSync(file("names"), "subjectAltName=DNS:localhost\n");
  openssl(
    "x509",
    "-req",
    "-in",
    "server.csr",
    "-CA",
    "authority.crt",
    "-CAkey",
    "authority.key",
    "-CAcreateserial",
    "-out",
    "server.crt",
    "-days",
    "2",
    "-extfile",
    "names",
  );
}

/** Gives a file to the user that the servers run as. */
function giveToServer(paths: readonly string[], dataDir: string): void {
  const { uid, gid } = statSync(path.join(dataDir, "postgres"));
  for (const one of paths) chownSync(one, uid, gid);
}

beforeAll(async () => {
  makeCertificates();
  mkdirSync(sockets, { mode: 0o777 });
  chmodSync(sockets, 0o777);
  const settings = { ...throwawaySettings, wal_level: "replica", shared_buffers: "16MB", max_connections: "40" };
  plain = await startEmbeddedPostgres({ dataDir: file("plain"), log: silentLog, settings });
  await plain.stop();
  // The same data twice more: one that waits for a primary's log, as a standby does, and one that speaks TLS only.
  for (const name of ["standby", "primary"]) execFileSync("cp", ["-a", "-T", file("plain"), file(name)]);
  writeFileSync(file("standby/postgres/standby.signal"), "");
  writeFileSync(
    file("primary/postgres/pg_hba.conf"),
    "local all all scram-sha-256\nhostssl all throughline_services 127.0.0.1/32 scram-sha-256\nhost all throughline 127.0.0.1/32 scram-sha-256\n",
  );
  chmodSync(file("server.key"), 0o600);
  giveToServer([file("server.key"), file("server.crt"), file("standby/postgres/standby.signal")], file("plain"));
  plain = await startEmbeddedPostgres({ dataDir: file("plain"), log: silentLog, settings });
  standby = await startEmbeddedPostgres({ dataDir: file("standby"), log: silentLog, settings });
  primary = await startEmbeddedPostgres({
    dataDir: file("primary"),
    log: silentLog,
    settings: {
      ...settings,
      ssl: "on",
      ssl_cert_file: file("server.crt"),
      ssl_key_file: file("server.key"),
      unix_socket_directories: sockets,
    },
  });
}, 60_000);
afterAll(async () => {
  await Promise.all([primary, standby, plain].map((server) => server?.stop()));
  rmSync(root, { recursive: true, force: true });
});

/** The address of a server with other hosts and parameters. */
function address(server: EmbeddedPostgres, query = "", hosts = "localhost:PORT"): string {
  const { username, password, port } = new URL(server.url);
  const parameters = query.replaceAll(/AUTHORITY|STRANGER/g, (name) => file(`${name.toLowerCase()}.crt`));
  return `postgres://${username}:${password}@${hosts.replaceAll("PORT", port)}/postgres?${parameters}`;
}

/** How a connection came about: encrypted or not; or why none did. */
async function connect(url: string): Promise<string> {
  try {
    const client = await connectTo(createTarget({ url, applicationName: "test" }));
    try {
      const { rows } = await client.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
      return rows[0]?.ssl ? "encrypted" : "plain";
    } finally {
      await client.end();
    }
  } catch (error) {
    return `refused: ${error instanceof Error ? error.message : error}`;
  }
}

const tlsOnly = () => primary;
const noTls = () => plain;

describe("sslmode", () => {
  test.each([
    ["", tlsOnly, "encrypted"],
    ["sslmode=disable", tlsOnly, /no pg_hba.conf entry .* no encryption/],
    ["sslmode=allow", tlsOnly, "encrypted"],
    ["sslmode=prefer", tlsOnly, "encrypted"],
    ["sslmode=require", tlsOnly, "encrypted"],
    ["sslmode=verify-ca&sslrootcert=AUTHORITY", tlsOnly, "encrypted"],
    ["sslmode=verify-full&sslrootcert=AUTHORITY", tlsOnly, "encrypted"],
    ["sslmode=require&sslrootcert=STRANGER", tlsOnly, /certificate/],
    ["sslmode=verify-ca&sslrootcert=STRANGER", tlsOnly, /certificate/],
    ["sslmode=verify-full", tlsOnly, /certificate/],
    ["", noTls, "plain"],
    ["sslmode=allow", noTls, "plain"],
    ["sslmode=prefer", noTls, "plain"],
    ["sslmode=require", noTls, /does not support SSL/],
    ["sslmode=verify-full", noTls, /does not support SSL/],
  ] as const)("%s at a server (%o)", async (query, server, expected) => {
    expect(await connect(address(server(), query))).toMatch(expected);
  });

  test("verify-full looks at the name, verify-ca does not", async () => {
    const otherName = (mode: string) => address(primary, `sslmode=${mode}&sslrootcert=AUTHORITY`, "127.0.0.1:PORT");
    expect(await connect(otherName("verify-ca"))).toBe("encrypted");
    expect(await connect(otherName("verify-full"))).toMatch(/IP: 127.0.0.1 is not in the cert's list/);
  });

  test("a wrong password is refused as such, and does not keep others out", async () => {
    const wrong = address(primary).replace(/:[^:@]*@/, ":wrong@");
    expect(await connect(wrong)).toMatch(/password authentication failed/);
    expect(await connect(address(primary))).toBe("encrypted");
  });
});

test.each([
  ["in the query", () => address(primary, `host=${encodeURIComponent(sockets)}&port=PORT`, "")],
  ["for a host", () => address(primary, "", `${encodeURIComponent(sockets)}:PORT`)],
])("a Unix socket %s", async (_, url) => {
  expect(await connect(url().replaceAll("PORT", new URL(primary.url).port))).toBe("plain");
});

describe("several hosts", () => {
  const dead = "127.0.0.1:1";
  const ports = (text: string) =>
    text
      .replace("STANDBY", `localhost:${standby.port}`)
      .replace("PRIMARY", `localhost:${primary.port}`)
      .replace("DEAD", dead);

  test.each(["DEAD,PRIMARY", "STANDBY,PRIMARY", "PRIMARY,STANDBY", "DEAD,STANDBY,DEAD,PRIMARY"])(
    "of %s the one that takes writes is used, by pools, migrations and listeners",
    async (hosts) => {
      const url = address(primary, "target_session_attrs=read-write", ports(hosts));
      expect(await connect(url)).toBe("encrypted");
      const db = createDatabase({ url, schema: "public", applicationName: "test", log: silentLog, maxConnections: 3 });
      const heard = Promise.withResolvers<string>();
      const listener = createListener({
        url,
        applicationName: "test",
        channels: { heard: heard.resolve },
        log: silentLog,
      });
      try {
        await listener.ready;
        const where = statement("where", "select current_setting('port')::int as port, pg_notify('heard', 'it')");
        const found = await Promise.all([1, 2, 3].map(() => db.query<{ port: number }>(where, [])));
        expect(found.flat().map(({ port }) => port)).toEqual([primary.port, primary.port, primary.port]);
        expect(await heard.promise).toBe("it");
      } finally {
        await Promise.all([db.close(), listener.close()]);
      }
    },
  );

  test("where none takes writes there is an error, after a bounded number of tries", async () => {
    expect(await connect(address(standby, "", ports("STANDBY,DEAD,STANDBY")))).toMatch(/^refused: /);
    expect(await connect(address(standby, "target_session_attrs=read-write"))).toBe(
      "refused: the server takes no writes",
    );
    expect(await connect(address(standby))).toBe("plain");
  });
});
