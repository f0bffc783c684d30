import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { cliEnv } from "../../cli/config.ts";
import { envToConfig as gateway } from "../../gateway/config.ts";
import { envToConfig as billing } from "../../services/billing/config.ts";
import { envToConfig as history } from "../../services/history/config.ts";
import { envToConfig as jobs } from "../../services/jobs/config.ts";
import { envToConfig as provider } from "../../services/provider-adapter/config.ts";
import { envToConfig as routing } from "../../services/routing/config.ts";
import { ConfigError, type Env } from "../../shared/config.ts";
import type { Variable } from "../../shared/config-declare.ts";
import { processEnv } from "../../shared/process-env.ts";
import { createCertificates } from "../../shared/rpc/testing-certificates.ts";
import { telemetryConfig } from "../../shared/telemetry/index.ts";
import { assertExtraAuthorities, assertTlsFiles, assertWholePair, peerSecrets } from "../../shared/trust.ts";
import { declaredEnv } from "./declared-env.ts";

/*
 * A variable that is set to what cannot work stops the start with a line that names it. Otherwise it is missed when it is
 * needed, by somebody else, who does not know its name.
 */

const certificates = createCertificates();
certificates.authority("authority");
const good = certificates.issue("good", { by: "authority", names: "DNS:good" });
const other = certificates.issue("other", { by: "authority", names: "DNS:other" });
const folder = mkdtempSync(join(tmpdir(), "throughline-settings-"));
afterAll(() => {
  certificates.remove();
  rmSync(folder, { recursive: true });
});
const file = join(folder, "file");
writeFileSync(file, "this is no certificate\n");

const required: Env = {
  DATABASE_URL: "postgres://127.0.0.1/throughline",
  KEY_PEPPER: "0123456789abcdef",
};

/** What every process reads of the environment before it starts. */
function readAll(env: Env): void {
  const read = processEnv.read(env);
  assertWholePair(read);
  assertTlsFiles(env, read);
  assertExtraAuthorities(read.NODE_EXTRA_CA_CERTS);
  peerSecrets(read);
  cliEnv.read(env);
  for (const toConfig of [telemetryConfig, gateway, routing, billing, provider, history, jobs]) toConfig(env);
}

/** The variables at fault; empty: all can be used. */
function refused(env: Env): readonly string[] {
  try {
    readAll({ ...required, ...env });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
}

interface Values {
  /** What else is set. */
  readonly beside?: Env;
  readonly wrong: readonly string[];
  readonly right: readonly string[];
}

const targets: Values = {
  wrong: [
    "nope",
    "nope nope:1",
    "http://routing:50051",
    "dns:///routing",
    "dns:///routing:0",
    "dns:///routing:65536",
    "xds:///a:1",
    "ipv4:10.0.0.1",
    "unix:",
    "routing:50051/x",
  ],
  right: [
    "routing:50051",
    "dns:routing:50051",
    "dns:///routing:50051",
    "dns://10.0.0.10/routing.tl.svc:1",
    "ipv4:10.0.0.1:1,10.0.0.2:2",
    "ipv6:[::1]:50051",
    "dns:///[::1]:50051",
    "unix:/run/routing",
    "unix:///run/routing",
  ],
};
const proxy: Values = {
  wrong: ["nope", "http://user:pass@", "http://p:99999", "socks5://proxy:1080", "proxy:http", "ftp://proxy"],
  right: ["http://proxy", "https://user:p%40ss@proxy.example.com:3128/", "proxy:3128", "10.0.0.1:3128"],
};
const keys: Values = {
  wrong: ["nope", "tl-0123456789 abcdef", "tl-0123456789\u201cabcdef\u201d", `tl-${"a".repeat(510)}`],
  right: ["tl-0123456789abcdef"],
};

/** What is right and wrong for variables that are text, where the kind does not say it. */
const texts: Readonly<Record<string, Values>> = {
  THROUGHLINE_BOOTSTRAP_KEY: keys,
  THROUGHLINE_ADMIN_KEY: keys,
  HOST: {
    wrong: ["nope nope", "[::1]", "127.0.0.1:8080", "http://x"],
    right: ["0.0.0.0", "::", "fe80::1%eth0", "localhost", "b\u00fccher.example"],
  },
  GRPC_HOST: {
    wrong: ["nope nope", "[::]", "0.0.0.0:50051", "unix:"],
    right: ["::", "0.0.0.0", "unix:/run/x", "unix:x"],
  },
  TRACE_UI_URL: {
    wrong: ["javascript:alert('{trace_id}')", "http://jaeger/"],
    right: ["https://j.example/trace/{trace_id}?a=b"],
  },
  CORS_ORIGINS: {
    wrong: ["nope", "https://a.example/", "https://a.example,b"],
    right: ["*", "https://a.example, http://b:1"],
  },
  SPOOL_DIR: { wrong: [file, join(folder, "missing")], right: [folder] },
  ROUTING_TARGET: targets,
  BILLING_TARGET: targets,
  PROVIDER_TARGET: targets,
  HISTORY_TARGET: targets,
  JOBS_TARGET: targets,
  GRPC_TLS_CERT_FILE: {
    beside: { GRPC_TLS_KEY_FILE: good.privateKeyFile },
    wrong: [file, join(folder, "missing")],
    right: [good.certificateFile],
  },
  GRPC_TLS_KEY_FILE: {
    beside: { GRPC_TLS_CERT_FILE: good.certificateFile },
    wrong: [file, join(folder, "missing"), other.privateKeyFile],
    right: [good.privateKeyFile],
  },
  GRPC_TLS_CA_FILE: { wrong: [file, join(folder, "missing")], right: [certificates.file("authority.pem")] },
  NODE_EXTRA_CA_CERTS: { wrong: [file, join(folder, "missing")], right: [certificates.file("authority.pem")] },
  GRPC_SECRET: { wrong: ["short"], right: ["0123456789abcdef0123456789abcdef"] },
  CREDENTIAL_KEY: { wrong: ["short", "1:short"], right: [Buffer.alloc(32).toString("base64")] },
  KEY_PEPPER: { wrong: ["short"], right: ["0123456789abcdef"] },
  HTTPS_PROXY: proxy,
  HTTP_PROXY: proxy,
  NO_PROXY: {
    wrong: [
      "10.0.0.0/40",
      "10.0.0.0/8/8",
      "http://a.example",
      "a.example/b",
      "192.168.*",
      "a.example:0",
      "a:b",
      "[10.0.0.1]",
      "*a.example",
    ],
    right: [
      "*",
      "*:443",
      "localhost,.svc,*.example.com, 10.0.0.0/8 fd00::/8",
      "::1,[::1]:443,10.0.0.1:80",
      "a_b.example.",
      "b\u00fccher.example",
    ],
  },
  HISTORY_DELETE_BEFORE: { wrong: ["nope", "2026-02-31", "2026-13-01", "01.02.2026"], right: ["2028-02-29"] },
  OBJECT_STORE_URL: {
    wrong: ["nope", "file://host/a", "s3://b", `file://${file}`, `file://${file}/under`],
    right: [`file://${folder}`, `file://${folder}/new/deep`],
  },
  PUBLIC_URL: {
    wrong: ["https://a.example/path", "https://a.example?b=c", "https://a.example/#b", "https://u:p@a.example"],
    right: ["https://a.example", "https://a.example:8443/"],
  },
  WEBHOOK_ALLOW: { wrong: ["10.0.0.0/40", "http://a"], right: ["hooks.internal,*.internal,10.0.0.0/8"] },
  OTEL_EXPORTER_OTLP_HEADERS: {
    wrong: ["nope", "a b=c", "a=%0A", "a=%", "\u00e4=1"],
    right: ["authorization=Basic%20abc,x-b=c"],
  },
  OTEL_RESOURCE_ATTRIBUTES: { wrong: ["nope", "a=%"], right: ["deployment.environment=test"] },
};

/** Text that is looked up when the process has started, or that nothing can be wrong with. */
const lookedUpLater: Readonly<Record<string, string>> = {
  THROUGHLINE_DATA:
    "A command that needs no folder reads it too; up and mesh refuse one that cannot be used (cli/state.test.ts).",
  THROUGHLINE_CONFIG: "Routing reads the file as it starts, and refuses it by the name of the variable.",
  ACCOUNTS_FILE:
    "A file that cannot be followed changes nothing: it may come later, as a Secret does, and a metric tells it.",
  OBJECT_STORE_ACCESS_KEY_ID: "It is whatever the store gave.",
  OBJECT_STORE_SECRET_ACCESS_KEY: "It is whatever the store gave.",
  OTEL_SERVICE_NAME: "Every text is a name.",
};

/** What the kind of a variable says by itself. */
function ofKind(variable: Variable): readonly string[] | undefined {
  switch (variable.kind) {
    case "int":
    case "number":
      return ["nope", "NaN", "1e3", String((variable.min ?? Number.NaN) - 1), String((variable.max ?? Number.NaN) + 1)];
    case "duration":
      return ["nope", "5 s", "-1", `${(variable.max ?? Number.NaN) + 1}`];
    case "bool":
      return ["nope", "2"];
    case "choice":
      return ["nope", variable.choices.join(",")];
    case "url":
      return ["nope", "nope.example:1", "javascript:alert(1)", "//nope.example", `http://\${HOST}/`];
    case "postgres":
      return ["nope", "mysql://a/b", "postgres://a:99999/b"];
    default:
      return undefined;
  }
}

const variables = new Map(declaredEnv.flatMap(({ variables }) => Object.entries<Variable>(variables)));

describe.each([...variables])("%s", (name, variable) => {
  test("set to what cannot work, it stops the start by its name, and is not repeated where it is secret", () => {
    const wrong = [...(ofKind(variable) ?? []), ...(texts[name]?.wrong ?? [])];
    expect(wrong.length > 0 || name in lookedUpLater).toBe(true);
    for (const value of wrong) {
      const problems = refused({ ...texts[name]?.beside, [name]: value });
      expect([value, problems.some((problem) => problem.startsWith(name))]).toEqual([value, true]);
      if (variable.kind === "secret") expect([value, problems.join().includes(value)]).toEqual([value, false]);
    }
  });

  test("set to what can work, it stops nothing", () => {
    const bounds =
      "min" in variable && variable.kind !== "duration" ? [String(variable.min), String(variable.max)] : [];
    for (const value of [...bounds, ...(texts[name]?.right ?? [])]) {
      expect([value, refused({ ...texts[name]?.beside, [name]: value })]).toEqual([value, []]);
    }
  });
});

test("a lower-case spelling is named as it was read", () => {
  expect(refused({ https_proxy: "nope", HTTPS_PROXY: "http://proxy:3128" })[0]).toMatch(/^https_proxy must/);
});

test("the gateway's two ports are two", () => {
  expect(refused({ PORT: "9000", METRICS_PORT: "9000" })).toEqual(["METRICS_PORT must be another port than PORT"]);
});
