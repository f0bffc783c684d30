import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { freePort } from "../../shared/free-ports.ts";
import type { TestCertificates } from "../../shared/rpc/testing-certificates.ts";
import { metricNamesIn } from "../repository/metric-names.ts";
import { administer, openCustomer } from "./administration.ts";
import { type Deployment, eventually } from "./deployment.ts";

/* Whatever rules and dashboard ask for is there in a scrape of the processes, once everything was used. */

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly record?: string; readonly expr: string }[] }[];
}
interface Dashboard {
  readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
}

const folder = new URL("../../deploy/observability/", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), "utf8");

/** Labels that the scrape configuration adds, or Prometheus itself. */
const added = ["job", "instance", "environment"];

/** What is asked for: metric names, and labels of each by what stands in its braces. `by` labels are any of the query's metrics. */
function askedFor() {
  const rules = (parse(read("alerts.yaml")) as Rules).groups.flatMap((group) => group.rules);
  const panels = (JSON.parse(read("grafana-dashboard.json")) as Dashboard).panels.flatMap(
    ({ targets = [] }) => targets,
  );
  const recorded = new Set(rules.map(({ record }) => record));
  return [...rules, ...panels].map(({ expr }) => {
    const selectors = [...expr.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)].map(([, name = "", inside = ""]) => ({
      name,
      labels: [...inside.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label),
    }));
    const grouped = [...expr.matchAll(/\b(?:by|on|without)\s*\(([^()]*)\)/g)].flatMap(([, names = ""]) =>
      names.split(/\s*,\s*/).filter((name) => name !== ""),
    );
    return { expr, names: metricNamesIn(expr).filter((name) => !recorded.has(name)), selectors, grouped };
  });
}

/** Environment of a mesh that shows all metrics: each process has a port for them, mutual TLS, and names accounts. */
export async function watchedMesh(certificates: TestCertificates): Promise<Readonly<Record<string, string>>> {
  const authority = certificates.authority("ca");
  const names = "DNS:localhost,IP:127.0.0.1";
  const { certificateFile, privateKeyFile } = certificates.issue("mesh", { by: "ca", names });
  return {
    METRICS_PORT: String(await freePort()),
    METRICS_ACCOUNTS: "5",
    GRPC_TLS_CERT_FILE: certificateFile,
    GRPC_TLS_KEY_FILE: privateKeyFile,
    GRPC_TLS_CA_FILE: authority,
  };
}

/** Where each process of a mesh has its metrics, as its start says. */
function metricsUrlsOf(house: Deployment): string[] {
  const [, told = ""] = /^ {2}Metrics {4}(.+)$/m.exec(house.output()) ?? [];
  return told.split(", ").map((one) => `http://127.0.0.1:${one.split(" ")[1]}/metrics`);
}

/** Labels of each metric, over all processes. */
async function scraped(urls: readonly string[]): Promise<Map<string, Set<string>>> {
  // Prometheus adds this one for every target.
  const found = new Map([["up", new Set<string>()]]);
  for (const url of urls) {
    const text = await (await fetch(url)).text();
    for (const line of text.split("\n")) {
      const [, name, inside = ""] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
      if (name === undefined) continue;
      const labels = found.get(name) ?? new Set();
      for (const [, label = ""] of inside.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) labels.add(label);
      found.set(name, labels);
    }
  }
  return found;
}

/** The test of a mesh that has METRICS_PORT, METRICS_ACCOUNTS, TLS between its processes and webhooks to this machine. */
export function testScrapes(houseOf: () => Deployment): void {
  test("every metric and label that rules and dashboard ask for is in a scrape of the processes", async () => {
    const house = houseOf();
    const admin = administer(house);
    const customer = await openCustomer(admin, { key: { limits: { daily_budget_usd: "5" } } });
    // Billing reads what is left of credit and budgets when it starts, and then each minute.
    const pid = house.pid("billing");
    process.kill(pid, "SIGKILL");
    await eventually(() => (house.pid("billing") !== pid ? true : undefined), 20_000);
    await eventually(async () => {
      const started = await fetch(`${new URL("/readyz", metricsUrlsOf(house)[2])}`).catch(() => undefined);
      return started?.ok ? true : undefined;
    }, 30_000);

    const receiver = createServer((request, response) => void request.resume().once("end", () => response.end()));
    await once(receiver.listen(0, "127.0.0.1"), "listening");
    try {
      const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
      await admin.webhooks.create.mutate({ url, events: ["video.*"] });
      const chat = (model: string, more: object = {}) => ({
        model,
        messages: [{ role: "user", content: "Hi" }],
        ...more,
      });
      const again = { "idempotency-key": "scraped" };
      const bodies: readonly (readonly [string, object, Readonly<Record<string, string>>])[] = [
        ["/v1/chat/completions", chat("gpt-4o"), again],
        ["/v1/chat/completions", chat("gpt-4o"), again],
        ["/v1/chat/completions", chat("gpt-4o", { stream: true }), customer.headers],
        ["/v1/chat/completions", chat("sim-status-401"), {}],
        ["/v1/chat/completions", chat("sim-no-usage"), {}],
        ["/v1/videos", { model: "video/sim-plain", prompt: "A hat" }, {}],
      ];
      for (const [path, body, headers] of bodies) await (await house.call(path, body, headers)).text();

      const asked = askedFor();
      expect(asked.length).toBeGreaterThan(60);
      const missing = async () => {
        const found = await scraped(metricsUrlsOf(house));
        return asked.flatMap(({ expr, names, selectors, grouped }) => [
          ...names.filter((name) => !found.has(name)),
          ...selectors.flatMap(({ name, labels }) =>
            labels
              .filter((label) => !added.includes(label) && !found.get(name)?.has(label))
              .map((label) => `${name}{${label}}`),
          ),
          ...grouped
            .filter((label) => !added.includes(label) && !names.some((name) => found.get(name)?.has(label)))
            .map((label) => `${label} of ${expr}`),
        ]);
      };
      // Webhooks, ends of jobs and settlements follow in their own time.
      const untilMs = performance.now() + 20_000;
      let left = await missing();
      while (left.length > 0 && performance.now() < untilMs) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        left = await missing();
      }
      expect([...new Set(left)]).toEqual([]);
    } finally {
      receiver.close();
    }
  }, 90_000);
}
