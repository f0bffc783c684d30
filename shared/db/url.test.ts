import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseDatabaseUrl } from "./url.ts";

const folder = mkdtempSync(path.join(tmpdir(), "throughline-url-"));
const authority = path.join(folder, "root.crt");
writeFileSync(authority, "an authority");
afterAll(() => rmSync(folder, { recursive: true }));

const at = (host: string, port = 5432) => ({ host, port });

describe("an address of PostgreSQL", () => {
  test.each([
    ["postgres://tl:pw@db:5433/app", { servers: [at("db", 5433)], user: "tl", password: "pw", database: "app" }],
    ["postgresql://db", { servers: [at("db")], user: undefined, password: undefined, database: undefined }],
    ["postgres://tl:p%40%2Fw%25@db/a%20b", { password: "p@/w%", database: "a b", servers: [at("db")] }],
    ["postgres://tl:p@ss@db/app", { user: "tl", password: "p@ss", servers: [at("db")] }],
    ["postgres://[::1]:5433/app", { servers: [at("::1", 5433)] }],
    ["postgres://tl@a:1,b,[::1]:3/app", { servers: [at("a", 1), at("b"), at("::1", 3)], writable: true }],
    [
      "postgres:///app?host=a,b&port=1,2&user=u&password=p",
      { servers: [at("a", 1), at("b", 2)], user: "u", password: "p" },
    ],
    ["postgres:///app?host=a,b&port=6", { servers: [at("a", 6), at("b", 6)] }],
    ["postgres:///app?host=/var/run/postgresql", { servers: [at("/var/run/postgresql")], database: "app" }],
    ["postgres://tl@%2Fvar%2Frun:5433/app", { servers: [at("/var/run", 5433)], user: "tl", database: "app" }],
    ["postgres://db/app?target_session_attrs=read-write", { writable: true }],
    ["postgres://db/app?target_session_attrs=any", { writable: false }],
    [
      "postgres://db/?dbname=app&application_name=x&options=-c%20geqo%3Doff",
      { database: "app", applicationName: "x", options: "-c geqo=off" },
    ],
    ["postgres://db/app?pgbouncer=true&connect_timeout=3&channel_binding=require", { channelBinding: true }],
  ])("%s", (url, expected) => {
    expect(parseDatabaseUrl(url)).toMatchObject(expected);
  });

  test.each([
    ["", "if refused without", { rejectUnauthorized: false }],
    ["sslmode=disable", "never", {}],
    ["sslmode=allow", "if refused without", { rejectUnauthorized: false }],
    ["sslmode=prefer", "if offered", { rejectUnauthorized: false }],
    ["sslmode=require", "always", { rejectUnauthorized: false }],
    ["sslmode=no-verify", "always", { rejectUnauthorized: false }],
    ["sslmode=require&sslrootcert=FILE", "always", { ca: "an authority", checkServerIdentity: expect.any(Function) }],
    ["sslmode=verify-ca&sslrootcert=FILE", "always", { ca: "an authority", checkServerIdentity: expect.any(Function) }],
    ["sslmode=verify-full&sslrootcert=FILE", "always", { ca: "an authority" }],
    ["sslmode=verify-full", "always", {}],
    ["sslmode=verify-full&sslrootcert=system", "always", {}],
    ["sslmode=require&sslrootcert=system", "always", {}],
    ["ssl=true", "always", {}],
    ["sslmode=verify-full&sslcert=FILE&sslkey=FILE", "always", { cert: "an authority", key: "an authority" }],
  ])("%s", (query, encryption, tls) => {
    const address = parseDatabaseUrl(`postgres://db/app?${query.replaceAll("FILE", encodeURIComponent(authority))}`);
    expect({ encryption: address.encryption, tls: { ...address.tls } }).toEqual({ encryption, tls });
  });

  test.each([
    ["", "must be a URL such as"],
    ["db:5432/app", "must be a URL such as"],
    ["mysql://tl:secret@db/app", "must be a URL such as"],
    ["postgres://tl:secret@db:99999/app", "has a port that is none"],
    ["postgres://tl:secret@db:x/app", "has a port that is none"],
    ["postgres://tl:secret@a:b:c/app", "has a port that is none"],
    ["postgres:///app?host=a,b,c&port=1,2&password=secret", "names 3 hosts and 2 ports"],
    ["postgres://tl:secret@db/app?sslmode=on", "has sslmode=on; it is one of disable, allow, prefer, require"],
    ["postgres://tl:secret@db/app?sslmod=require", "has the parameter sslmod, which is not known"],
    ["postgres://tl:secret@db/app?sslmode=verify-ca", "has sslmode=verify-ca, which needs sslrootcert"],
    [
      "postgres://tl:secret@db/app?sslmode=require&sslrootcert=/none",
      "names the file /none, which cannot be read (ENOENT)",
    ],
    [
      "postgres://tl:secret@db/app?target_session_attrs=standby",
      "has target_session_attrs=standby; Throughline writes",
    ],
    ["postgres://tl:secret%@d%zz/app", "is not well encoded"],
  ])("%s is refused without its secret", (url, message) => {
    let said = "";
    try {
      parseDatabaseUrl(url);
    } catch (error) {
      said = String(error);
    }
    expect(said).toContain(message);
    expect(said).not.toContain("secret");
  });
});
