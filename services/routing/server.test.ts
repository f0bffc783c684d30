import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { PriceSource } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { endpointsOf, moduleNameOf } from "../../shared/modules.ts";
import { call, eventually, startTestRouting } from "./testing-server.ts";

let postgres: TestPostgres;
let folder: string;

beforeAll(async () => {
  postgres = await testPostgres();
  folder = await mkdtemp(join(tmpdir(), "routing-"));
});
afterAll(async () => {
  await postgres.stop();
  await rm(folder, { recursive: true });
});

describe("out of the box", () => {
  test("the simulator serves the usual models, at no price, and sim-*", async () => {
    await using own = await testPostgres();
    await using one = await startTestRouting(own.url);
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
      inputNanoUsdPerMtok: 0n,
      outputNanoUsdPerMtok: 0n,
      groupRatioPpm: 1_000_000,
      source: PriceSource.FREE,
      strategy: "simulated",
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
    await using own = await testPostgres();
    await using one = await startTestRouting(own.url, {
      OPENAI_API_KEY: "sk-secret",
      OPENAI_BASE_URL: "http://127.0.0.1:1/v1/",
    });
    const { candidates } = await one.route("gpt-4o");
    expect(candidates.map(({ channel }) => channel)).toEqual(["openai"]);
    expect(candidates[0]?.pricing).toMatchObject({
      inputNanoUsdPerMtok: 2_500_000_000n,
      cachedInputNanoUsdPerMtok: 1_250_000_000n,
      outputNanoUsdPerMtok: 10_000_000_000n,
      groupRatioPpm: 1_000_000,
      source: PriceSource.TABLE,
      strategy: "table:openai/gpt-4o",
    });
    // A dated snapshot, and what is newer than the presets, has the price of its own name.
    expect((await one.route("gpt-4o-2024-08-06")).candidates[0]).toMatchObject({
      upstreamModel: "gpt-4o-2024-08-06",
      pricing: { inputNanoUsdPerMtok: 2_500_000_000n },
    });
    await expect(one.route("claude-sonnet-4-6")).rejects.toMatchObject({ code: "model_not_supported" });
    expect(await one.channelsOf("sim-hang-headers")).toEqual(["simulator"]);
    const { channels, version } = await one.getChannels({ knownVersion: 0n }, call);
    const openai = channels.find(({ name }) => name === "openai");
    expect(openai).toMatchObject({ baseUrl: "http://127.0.0.1:1/v1", adapter: "openai", fromFile: true });
    expect(openai?.credentials[0]?.source).toEqual({ case: "env", value: "OPENAI_API_KEY" });
    expect(await one.getChannels({ knownVersion: version }, call)).toMatchObject({ unchanged: true, channels: [] });
  });

  test("models of a group are listed with when they were first configured", async () => {
    await using own = await testPostgres();
    await using one = await startTestRouting(own.url);
    const { models } = await one.listModels({ group: "default" }, call);
    const names = models.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    // A model that no endpoint serves is not offered.
    for (const { module } of models) expect(endpointsOf(moduleNameOf(module))).not.toEqual([]);
    expect(names.includes("text-embedding-3-small")).toBe(endpointsOf("embeddings").length > 0);
    expect(names).toContain("throughline/auto");
    expect(names).not.toContain("sim-*");
    const endpoints = Object.fromEntries(models.map((model) => [model.name, model.endpoints]));
    expect(endpoints).toMatchObject({
      "tts-1": ["/v1/audio/speech"],
      "whisper-1": ["/v1/audio/transcriptions", "/v1/audio/translations"],
      "gpt-4o-transcribe": ["/v1/audio/transcriptions"],
      "text-embedding-3-small": [
        "/v1/embeddings",
        "/v1beta/models/{model}:embedContent",
        "/v1beta/models/{model}:batchEmbedContents",
      ],
      "gpt-image-2": ["/v1/images/generations", "/v1/images/edits"],
      "glm-image": ["/v1/images/generations"],
    });
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
    await expect(startTestRouting(postgres.url, { THROUGHLINE_CONFIG: path })).rejects.toMatchObject({
      variable: "THROUGHLINE_CONFIG",
      problems: ["wrong.yaml:12:5 channels[0].weight: must be 0 or more"],
    });
    await expect(
      startTestRouting(postgres.url, { THROUGHLINE_CONFIG: join(folder, "none.yaml") }),
    ).rejects.toMatchObject({
      problems: [expect.stringContaining("cannot be read (ENOENT)")],
    });
  });

  test("changes take effect in all replicas without emptying anything while it is wrong", async () => {
    await using own = await testPostgres();
    const path = join(folder, "live.yaml");
    const write = async (text: string) => {
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    };
    await write(file(1));
    const env = { THROUGHLINE_CONFIG: path, CONFIG_POLL_MS: "50ms" };
    await using one = await startTestRouting(own.url, env);
    await using two = await startTestRouting(own.url, { ...env, CONFIG_POLL_MS: "60s" });
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
    // The route is there a moment before the loader says that all is well.
    await eventually(async () => expect(one.service.problems()).toEqual([]));
    expect(one.scrape("configuration_rejected")).toBe(0);
    expect((await two.route("home", "vip")).configVersion).toBe(before.configVersion + 1n);
  });

  test("what it changes is told once, whichever replica loads it, without secrets and folders", async () => {
    await using own = await testPostgres();
    const path = join(folder, "told.yaml");
    const secret = "sk-0123456789abcdef0123";
    const text = file(1).replace(
      "    weight: 1\n",
      `    headers: { "x-token": "plain-looking" }\n    credentials: [{ file: ${folder}/key.txt }]\n`,
    );
    await writeFile(path, text);
    const env = { THROUGHLINE_CONFIG: path };
    await using one = await startTestRouting(own.url, env);
    await using two = await startTestRouting(own.url, env);
    const all = { afterVersion: 0n, limit: 20 };
    // A change is read when two looks find it the same.
    const look = async () => {
      for (let i = 0; i < 2; i++) await Promise.all([one.service.look(), two.service.look()]);
      expect([...one.service.problems(), ...two.service.problems()]).toEqual([]);
    };
    const first = await one.listConfigurationChanges(all, call);
    expect(first.changes).toMatchObject([{ source: "told.yaml", beforeJson: "", version: first.newestVersion }]);
    // A change with very much in it is told by its names alone.
    expect(Buffer.byteLength(first.changes[0]?.afterJson ?? "")).toBeLessThan(60_000);

    const dearer = text.replace('output: "6"', 'output: "7.5"').replace("127.0.0.1:1", `127.0.0.1:1/${secret}`);
    await writeFile(path, dearer);
    await look();
    await writeFile(
      path,
      dearer
        .replace("  - { name: vip", '  - { name: new, ratio: "2" }\n  - { name: vip')
        .replace("home: house", "here: house"),
    );
    await look();
    const { changes, newestVersion } = await two.listConfigurationChanges(
      { ...all, afterVersion: first.newestVersion },
      call,
    );
    const [last, second] = changes;
    expect([changes.length, last?.version]).toEqual([2, newestVersion]);
    const told = [second?.beforeJson, second?.afterJson, last?.beforeJson, last?.afterJson].map((json) =>
      JSON.parse(json ?? ""),
    );
    const outputOf = ({ prices }: { prices: { mine: { prices: { unit: string }[] } } }) =>
      prices.mine.prices.find(({ unit }) => unit === "output_tokens");
    expect(told.slice(0, 2).map(outputOf)).toEqual(
      ["6", "7.5"].map((usd) => ({ unit: "output_tokens", usd, per: 1_000_000 })),
    );
    expect(told.slice(0, 2).map((side) => Object.keys(side))).toEqual([
      ["channels", "prices"],
      ["channels", "prices"],
    ]);
    expect(told[1].channels.a).toMatchObject({ headerNames: ["x-token"], credentials: ["file:key.txt"] });
    expect(told.slice(2)).toEqual([
      { aliases: { home: "house" } },
      { aliases: { here: "house" }, groups: { new: { ratio: 2 } } },
    ]);
    expect(
      JSON.stringify([first, changes], (_, value) => (typeof value === "bigint" ? `${value}` : value)),
    ).not.toMatch(new RegExp(`${secret}|plain-looking|${folder}`));
    const known = await one.listConfigurationChanges({ ...all, afterVersion: newestVersion }, call);
    expect(known).toMatchObject({ changes: [], newestVersion });
    await expect(one.listConfigurationChanges({ limit: 21 }, call)).rejects.toMatchObject({ param: "limit" });
  });

  test("a second start with the same file keeps the version", async () => {
    await using own = await testPostgres();
    const path = join(folder, "same.yaml");
    await writeFile(path, file(1));
    let version = 0n;
    {
      await using one = await startTestRouting(own.url, { THROUGHLINE_CONFIG: path });
      version = (await one.route("house", "vip")).configVersion;
    }
    await using again = await startTestRouting(own.url, { THROUGHLINE_CONFIG: path });
    expect((await again.route("house", "vip")).configVersion).toBe(version);
  });
});

describe("health", () => {
  test("a channel whose breaker is open goes last, in every replica, until it is well again", async () => {
    await using own = await testPostgres();
    const path = join(folder, "health.yaml");
    const channels = ["a", "b"].map(
      (name, i) =>
        `  - { name: ${name}, adapter: openai, base_url: "http://127.0.0.1:1", models: [gpt-4o], priority: ${10 - i} }`,
    );
    await writeFile(path, ["channels:", ...channels].join("\n"));
    await using one = await startTestRouting(own.url, { THROUGHLINE_CONFIG: path, ROUTING_POLL_MS: "50ms" });
    await using two = await startTestRouting(own.url, { THROUGHLINE_CONFIG: path, ROUTING_POLL_MS: "50ms" });
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

    // The results of its last attempts, of all providers together, stay although nobody has anything new to say.
    const nowMs = Date.now();
    const failed = { lastFailureCode: "upstream_overloaded", lastFailureStatus: 429 };
    const said = [
      { recentAttempts: 20, recentFailures: 19, ...failed, lastFailureUnixMs: BigInt(nowMs), lastGoodUnixMs: 5n },
      { recentAttempts: 2, recentFailures: 1, lastFailureUnixMs: BigInt(nowMs - 9), lastGoodUnixMs: BigInt(nowMs - 7) },
    ];
    for (const [i, last] of said.entries()) {
      await one.reportHealth({ reporter: `p${i}`, channels: [{ channel: "b", attempts: 1, ...last }] }, call);
      await one.reportHealth({ reporter: `p${i}`, channels: [] }, call);
    }
    const told = (await one.listChannels({}, call)).health.find(({ channel }) => channel === "b");
    expect(told).toMatchObject({
      ...{ attempts: 0, failures: 0, recentAttempts: 22, recentFailures: 20, ...failed },
      ...{ lastFailureUnixMs: BigInt(nowMs), lastGoodUnixMs: BigInt(nowMs - 7) },
    });
  });
});

test("while the database is away, routes go on from memory", async () => {
  const own = await testPostgres();
  await using one = await startTestRouting(own.url, { ROUTING_POLL_MS: "50ms" });
  await own.stop();
  await expect(one.leaseNode({ holder: "g" }, call)).rejects.toBeInstanceOf(Error);
  const routes = await Promise.all(Array.from({ length: 1_000 }, () => one.route("gpt-4o")));
  expect(routes.every(({ candidates }) => candidates[0]?.channel === "simulator")).toBe(true);
  expect(await one.service.ready()).toBe(true);
});

describe("node leases", () => {
  test("go to one holder each, renew, and come back", async () => {
    await using one = await startTestRouting(postgres.url);
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
