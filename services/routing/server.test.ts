import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentLog, type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { Module, PriceSource } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Log } from "../../shared/log.ts";
import { createInProcessClient } from "../../shared/rpc/index.ts";
import { openCredential, parseCredentialKeys, sealedWith } from "../../shared/sealed-credential.ts";
import { createPassiveTracing, type Metrics, type ObservedValue } from "../../shared/telemetry/index.ts";
import { envToConfig } from "./config.ts";
import { startRouting } from "./server.ts";

let postgres: TestPostgres;
let folder: string;
const credentialKey = Buffer.alloc(32, 9).toString("base64");
const call = { timeoutMs: 5_000 };
const log = { ...silentLog, fatal: () => undefined } as unknown as Log;

beforeAll(async () => {
  postgres = await testPostgres();
  folder = await mkdtemp(join(tmpdir(), "routing-"));
});
afterAll(async () => {
  await postgres.stop();
  await rm(folder, { recursive: true });
});

/** Starts routing on a database; `env` over a simulator and fast polls. */
async function routing(url: string, env: Record<string, string> = {}) {
  const known: string[][] = [];
  const config = envToConfig({
    DATABASE_URL: url,
    DATABASE_POOL_SIZE: "3",
    SIMULATOR_URL: "http://127.0.0.1:9999",
    CREDENTIAL_KEY: credentialKey,
    CONFIG_POLL_MS: "60s",
    ...env,
  });
  const observed = new Map<ObservedValue, () => number>();
  const metrics = {
    knowModels: (names: Iterable<string>) => known.push([...names]),
    observe(value: ObservedValue, read: () => number) {
      observed.set(value, read);
      return () => void observed.delete(value);
    },
  } as unknown as Metrics;
  const service = await startRouting(config, { log, tracing: createPassiveTracing(), metrics });
  const client = createInProcessClient(service.definition);
  const resolve = (model: string, group = "default") =>
    client.resolve.call({ group, model, module: Module.CHAT }, { ...call, requestId: 7n });
  return {
    ...client,
    service,
    known,
    /** What a scrape would read. */
    scrape: (value: ObservedValue) => observed.get(value)?.(),
    route: resolve,
    channelsOf: async (model: string) => (await resolve(model)).candidates.map(({ channel }) => channel),
    async [Symbol.asyncDispose]() {
      await client.close();
      await service.stop();
    },
  };
}

/** Waits until `check` stops throwing. */
async function eventually(check: () => Promise<void>, withinMs = 4_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await new Promise((done) => setTimeout(done, 20));
    }
  }
}

async function database(): Promise<TestPostgres> {
  return testPostgres();
}

describe("out of the box", () => {
  test("the simulator serves the usual models and sim-*, with prices", async () => {
    await using own = await database();
    await using one = await routing(own.url);
    const usual = await one.route("gpt-4o");
    expect(usual).toMatchObject({
      model: "gpt-4o",
      control: "",
      contextWindowTokens: 128_000n,
      maxOutputTokens: 16_384n,
    });
    expect(usual.candidates).toHaveLength(1);
    expect(usual.candidates[0]).toMatchObject({ channel: "simulator", platform: "simulator", upstreamModel: "gpt-4o" });
    expect(usual.candidates[0]?.pricing).toMatchObject({
      inputNanoUsdPerMtok: 2_500_000_000n,
      cachedInputNanoUsdPerMtok: 1_250_000_000n,
      outputNanoUsdPerMtok: 10_000_000_000n,
      groupRatioPpm: 1_000_000,
      source: PriceSource.TABLE,
      strategy: "table:openai/gpt-4o",
    });
    const sim = await one.route("sim-status-429");
    expect(sim.model).toBe("sim-*");
    expect(sim.candidates[0]?.upstreamModel).toBe("sim-status-429");
    expect(sim.candidates[0]?.pricing?.source).toBe(PriceSource.STRATEGY);
    expect((await one.route("gpt-4o-high")).control).toBe("high");
    expect((await one.route("caicaini/auto")).candidates).not.toHaveLength(0);
    await expect(one.route("gpt-nonesuch")).rejects.toMatchObject({ code: "model_not_supported", param: "model" });
    await expect(one.route("gpt-4o", "nobody")).rejects.toMatchObject({ code: "model_not_supported" });
    expect(one.known.at(-1)).toContain("gpt-4o");
  });

  test("a vendor's key brings its channel, and the simulator leaves its models", async () => {
    await using own = await database();
    await using one = await routing(own.url, {
      OPENAI_API_KEY: "sk-secret",
      OPENAI_BASE_URL: "http://127.0.0.1:1/v1/",
    });
    expect(await one.channelsOf("gpt-4o")).toEqual(["openai"]);
    expect(await one.channelsOf("claude-sonnet-4-5")).toEqual(["simulator"]);
    expect(await one.channelsOf("sim-hang-headers")).toEqual(["simulator"]);
    const { channels, version } = await one.getChannels({ knownVersion: 0n }, call);
    const openai = channels.find(({ name }) => name === "openai");
    expect(openai).toMatchObject({ baseUrl: "http://127.0.0.1:1/v1", adapter: "openai", fromFile: true });
    expect(openai?.credentials[0]?.source).toEqual({ case: "env", value: "OPENAI_API_KEY" });
    expect(await one.getChannels({ knownVersion: version }, call)).toMatchObject({ unchanged: true, channels: [] });
  });

  test("models of a group are listed with when they were first configured", async () => {
    await using own = await database();
    await using one = await routing(own.url);
    const { models } = await one.listModels({ group: "default" }, call);
    const names = models.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(names).toContain("text-embedding-3-small");
    expect(names).toContain("throughline/auto");
    expect(names).not.toContain("sim-*");
    expect(names).not.toContain("tts-1");
    expect(Number(models[0]?.createdUnixS)).toBeGreaterThan(1_700_000_000);
    expect((await one.listModels({ group: "nobody" }, call)).models).toEqual([]);
  });
});

const file = (weight: string | number) => `groups:
  - { name: vip, ratio: "0.5" }
strategies:
  - { name: mine, prices: { input: "3", output: "6" }, custom_response: "choices[0].message.content" }
models:
  - { name: house, strategy: mine, context_window: 1000, max_output: 100 }
aliases: { home: house }
channels:
  - name: a
    adapter: openai
    base_url: http://127.0.0.1:1
    weight: ${weight}
    models: { house: llama }
    groups: [vip]
`;

describe("the file", () => {
  test("is refused at the start with line and field", async () => {
    const path = join(folder, "wrong.yaml");
    await writeFile(path, file(-1));
    await expect(routing(postgres.url, { THROUGHLINE_CONFIG: path })).rejects.toMatchObject({
      variable: "THROUGHLINE_CONFIG",
      problems: ["wrong.yaml:12:5 channels[0].weight: must be 0 or more"],
    });
    await expect(routing(postgres.url, { THROUGHLINE_CONFIG: join(folder, "none.yaml") })).rejects.toMatchObject({
      problems: [expect.stringContaining("cannot be read (ENOENT)")],
    });
  });

  test("changes take effect in all replicas without emptying anything while it is wrong", async () => {
    await using own = await database();
    const path = join(folder, "live.yaml");
    const write = async (text: string) => {
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    };
    await write(file(1));
    const env = { THROUGHLINE_CONFIG: path, CONFIG_POLL_MS: "50ms" };
    await using one = await routing(own.url, env);
    await using two = await routing(own.url, { ...env, CONFIG_POLL_MS: "60s" });
    const before = await one.route("home", "vip");
    expect(before).toMatchObject({ model: "house", contextWindowTokens: 1_000n });
    expect(before.candidates[0]).toMatchObject({
      upstreamModel: "llama",
      customResponseExpression: "choices[0].message.content",
    });
    expect(before.candidates[0]?.pricing).toMatchObject({ strategy: "mine", groupRatioPpm: 500_000 });
    await expect(one.route("house")).rejects.toMatchObject({ code: "model_not_supported" });

    await write(file("heavy"));
    await eventually(async () => expect(one.service.problems()).toHaveLength(1));
    expect(one.service.problems()[0]).toContain("live.yaml:12:5 channels[0].weight: must be a number");
    expect((await one.route("home", "vip")).configVersion).toBe(before.configVersion);
    expect(one.scrape("configuration_rejected")).toBe(1);
    await write("");
    await eventually(async () => expect(one.service.problems()[0]).toContain("empty"));
    expect((await one.route("home", "vip")).candidates).toHaveLength(1);

    await write(file(1).replace("llama", "qwen"));
    for (const replica of [one, two]) {
      await eventually(
        async () => expect((await replica.route("home", "vip")).candidates[0]?.upstreamModel).toBe("qwen"),
        2_000,
      );
    }
    expect(one.service.problems()).toEqual([]);
    expect(one.scrape("configuration_rejected")).toBe(0);
    expect((await two.route("home", "vip")).configVersion).toBe(before.configVersion + 1n);
  });

  test("a second start with the same file keeps the version", async () => {
    await using own = await database();
    const path = join(folder, "same.yaml");
    await writeFile(path, file(1));
    let version = 0n;
    {
      await using one = await routing(own.url, { THROUGHLINE_CONFIG: path });
      version = (await one.route("house", "vip")).configVersion;
    }
    await using again = await routing(own.url, { THROUGHLINE_CONFIG: path });
    expect((await again.route("house", "vip")).configVersion).toBe(version);
  });
});

describe("channels entered at run time", () => {
  const channel = {
    name: "extra",
    adapter: "openai",
    baseUrl: "http://127.0.0.1:2/v1",
    enabled: true,
    weight: 2,
    groups: ["default"],
    models: [{ model: "gpt-4o", upstreamModel: "gpt-4o-2024" }],
  };

  let shared: ReturnType<typeof routing>;
  beforeAll(async () => {
    shared = routing(postgres.url);
    await shared;
  });
  afterAll(async () => {
    await (await shared)[Symbol.asyncDispose]();
  });

  test("take traffic from the stand-in in every replica within a second, and give it back", async () => {
    await using own = await database();
    await using one = await routing(own.url);
    await using two = await routing(own.url);
    const put = await one.putChannel({ channel, newCredential: "sk-very-secret\nsk-second" }, call);
    expect(put.channel?.credentials.map(({ source }) => source)).toEqual([
      { case: "sealed", value: new Uint8Array() },
      { case: "sealed", value: new Uint8Array() },
    ]);
    expect(await one.channelsOf("gpt-4o")).toEqual(["extra"]);
    await eventually(async () => expect(await two.channelsOf("gpt-4o")).toEqual(["extra"]), 1_000);
    const { channels } = await two.getChannels({ knownVersion: 0n }, call);
    const source = channels.find(({ name }) => name === "extra")?.credentials[1]?.source;
    const keys = parseCredentialKeys(credentialKey);
    expect(source?.case === "sealed" && openCredential(keys, "extra", source.value)).toBe("sk-second");
    const listed = await two.listChannels({}, call);
    expect(JSON.stringify(listed, (_, v) => (typeof v === "bigint" ? String(v) : v))).not.toContain("secret");

    await one.deleteChannel({ name: "extra" }, call);
    await one.deleteChannel({ name: "extra" }, call);
    expect(await one.channelsOf("gpt-4o")).toEqual(["simulator"]);
    await eventually(async () => expect(await two.channelsOf("gpt-4o")).toEqual(["simulator"]), 1_000);
  });

  test("keep their credential when none is given, but never send it to another server", async () => {
    await using own = await database();
    await using one = await routing(own.url);
    await one.putChannel({ channel, newCredential: "sk-1" }, call);
    const sealed = async () =>
      (await one.getChannels({}, call)).channels.find(({ name }) => name === "extra")?.credentials;
    const before = await sealed();
    await one.putChannel({ channel: { ...channel, weight: 5, baseUrl: "http://127.0.0.1:2/v2" } }, call);
    expect(await sealed()).toEqual(before);
    const moved = { ...channel, baseUrl: "http://127.0.0.1:3/v1" };
    await expect(one.putChannel({ channel: moved }, call)).rejects.toMatchObject({
      code: "invalid_value",
      param: "new_credential",
    });
    await one.putChannel({ channel: moved, newCredential: "sk-2" }, call);
    expect(await sealed()).not.toEqual(before);
  });

  test("are sealed anew with the new key at a start after its rotation", async () => {
    await using own = await database();
    const newKey = Buffer.alloc(32, 8).toString("base64");
    const sealedBy = async (replica: Awaited<ReturnType<typeof routing>>) => {
      const { channels } = await replica.getChannels({}, call);
      const source = channels.find(({ name }) => name === "extra")?.credentials[0]?.source;
      return source?.case === "sealed" ? source.value : new Uint8Array();
    };
    {
      await using one = await routing(own.url);
      await one.putChannel({ channel, newCredential: "sk-1" }, call);
      expect(sealedWith(await sealedBy(one))).toBe(1);
    }
    {
      await using both = await routing(own.url, { CREDENTIAL_KEY: `2:${newKey},1:${credentialKey}` });
      expect(sealedWith(await sealedBy(both))).toBe(2);
    }
    await using one = await routing(own.url, { CREDENTIAL_KEY: `2:${newKey}` });
    expect(openCredential(parseCredentialKeys(`2:${newKey}`), "extra", await sealedBy(one))).toBe("sk-1");
  });

  test.each([
    [{ name: "a b" }, "channel.name"],
    [{ name: "simulator" }, "channel.name"],
    [{ baseUrl: "ftp://x" }, "channel.base_url"],
    [{ weight: 2_000_000 }, "channel.weight"],
    [{ models: [{ model: "nonesuch" }] }, "channel.models[0]"],
    [{ models: [{ model: "gpt-4o", strategy: "none" }] }, "channel.models[0].strategy"],
    [{ models: [{ model: "gpt-4o", upstreamModel: "a b" }] }, "channel.models[0].upstream_model"],
    [{ models: [{ model: "" }] }, "channel.models[0].model"],
    [{ models: [] }, "channel.models"],
    [{ groups: ["nobody"] }, "channel.groups[0]"],
    [{ flavourJson: "[1]" }, "channel.flavour_json"],
    [{ connectTimeoutMs: 4_000_000 }, "channel.connect_timeout_ms"],
    [{ credentials: [{ source: { case: "file" as const, value: "/etc/passwd" } }] }, "channel.credentials[0]"],
    [{ headers: { Authorization: "x" } }, "channel.headers.Authorization"],
  ])("%j is refused at %s", async (change, param) => {
    const one = await shared;
    await expect(one.putChannel({ channel: { ...channel, ...change } }, call)).rejects.toMatchObject({
      code: "invalid_value",
      param,
    });
  });

  test("what the file defines is not to be removed", async () => {
    const one = await shared;
    await expect(one.deleteChannel({ name: "simulator" }, call)).rejects.toMatchObject({
      code: "invalid_value",
      param: "name",
    });
  });
});

describe("health", () => {
  test("a channel whose breaker is open goes last, in every replica, until it is well again", async () => {
    await using own = await database();
    const path = join(folder, "health.yaml");
    const channels = ["a", "b"].map(
      (name, i) =>
        `  - { name: ${name}, adapter: openai, base_url: "http://127.0.0.1:1", models: [gpt-4o], priority: ${10 - i} }`,
    );
    await writeFile(path, ["channels:", ...channels].join("\n"));
    await using one = await routing(own.url, { THROUGHLINE_CONFIG: path, ROUTING_POLL_MS: "50ms" });
    await using two = await routing(own.url, { THROUGHLINE_CONFIG: path, ROUTING_POLL_MS: "50ms" });
    expect(await one.channelsOf("gpt-4o")).toEqual(["a", "b"]);
    const line = { channel: "a", attempts: 4, failures: 4, open: true, firstByteMs: 80 };
    await one.reportHealth({ reporter: "p1", channels: [line, { ...line, channel: "unknown" }] }, call);
    expect(await one.channelsOf("gpt-4o")).toEqual(["b", "a"]);
    await eventually(async () => expect(await two.channelsOf("gpt-4o")).toEqual(["b", "a"]));
    const route = await two.route("gpt-4o");
    expect(route.reasons.find(({ channel }) => channel === "a")?.reason).toBe(
      "breaker open, tried last; priority 10, weight 1 of 1",
    );
    expect(two.scrape("channels_broken")).toBe(1);
    const { health } = await two.listChannels({}, call);
    expect(health).toEqual([
      expect.objectContaining({ channel: "a", attempts: 4, failures: 4, open: true, firstByteMs: 80 }),
    ]);
    await one.reportHealth({ reporter: "p1", channels: [] }, call);
    expect(await one.channelsOf("gpt-4o")).toEqual(["a", "b"]);
    await eventually(async () => expect(await two.channelsOf("gpt-4o")).toEqual(["a", "b"]));
  });
});

test("while the database is away, routes go on from memory", async () => {
  const own = await database();
  await using one = await routing(own.url, { ROUTING_POLL_MS: "50ms" });
  await own.stop();
  await expect(one.leaseNode({ holder: "g" }, call)).rejects.toBeInstanceOf(Error);
  const routes = await Promise.all(Array.from({ length: 1_000 }, () => one.route("gpt-4o")));
  expect(routes.every(({ candidates }) => candidates[0]?.channel === "simulator")).toBe(true);
  expect(await one.service.ready()).toBe(true);
});

describe("node leases", () => {
  test("go to one holder each, renew, and come back", async () => {
    await using one = await routing(postgres.url);
    const leases = await Promise.all(Array.from({ length: 40 }, (_, i) => one.leaseNode({ holder: `g${i}` }, call)));
    expect(new Set(leases.map(({ node }) => node)).size).toBe(40);
    const [first] = leases;
    if (first === undefined) throw new Error("no lease");
    const renewed = await one.leaseNode({ holder: "g0", node: first.node, renew: true }, call);
    expect(renewed).toMatchObject({ node: first.node, validFromUnixMs: first.validFromUnixMs });
    expect(renewed.validUntilUnixMs).toBeGreaterThanOrEqual(first.validUntilUnixMs);
    await one.leaseNode({ holder: "g0", node: first.node, release: true }, call);
    const again = await one.leaseNode({ holder: "g0", node: first.node, renew: true }, call);
    expect(again.node).not.toBe(first.node);
    await expect(one.leaseNode({ holder: "" }, call)).rejects.toMatchObject({ code: "invalid_value", param: "holder" });
  });
});
