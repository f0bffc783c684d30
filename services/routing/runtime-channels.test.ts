import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type TestPostgres, testPostgres } from "../../shared/db/testing.ts";
import { openCredential, parseCredentialKeys, sealedWith } from "../../shared/sealed-credential.ts";
import { call, credentialKey, eventually, startTestRouting } from "./testing-server.ts";

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await testPostgres();
});
afterAll(() => postgres.stop());

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

  let shared: ReturnType<typeof startTestRouting>;
  beforeAll(async () => {
    shared = startTestRouting(postgres.url);
    await shared;
  });
  afterAll(async () => {
    await (await shared)[Symbol.asyncDispose]();
  });

  test("take traffic from the stand-in in every replica within a second, and give it back", async () => {
    await using own = await testPostgres();
    await using one = await startTestRouting(own.url);
    await using two = await startTestRouting(own.url);
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
    await using own = await testPostgres();
    await using one = await startTestRouting(own.url);
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

  test("bring their bounds to the provider, and say which of them is wrong by the contract's name", async () => {
    await using own = await testPostgres();
    await using one = await startTestRouting(own.url);
    const bounds = {
      ...{ connectTimeoutMs: 101, headersTimeoutMs: 102, firstTokenTimeoutMs: 103, chunkTimeoutMs: 104 },
      bodyTimeoutMs: 105,
    };
    await one.putChannel({ channel: { ...channel, ...bounds } }, call);
    const { channels } = await one.getChannels({}, call);
    expect(channels.find(({ name }) => name === "extra")).toMatchObject(bounds);
    for (const [field, name] of Object.entries({
      ...{ connectTimeoutMs: "connect_timeout_ms", headersTimeoutMs: "headers_timeout_ms" },
      ...{ firstTokenTimeoutMs: "first_token_timeout_ms", chunkTimeoutMs: "chunk_timeout_ms" },
      bodyTimeoutMs: "body_timeout_ms",
    })) {
      const wrong = one.putChannel({ channel: { ...channel, [field]: 4_000_000_000 } }, call);
      await expect(wrong).rejects.toMatchObject({ code: "invalid_value", param: `channel.${name}` });
    }
  });

  test("say who runs the lines of batches as the file does, and are read as they can be entered again", async () => {
    const one = await shared;
    const batched = { ...channel, name: "batched" };
    const put = async (fields: object) =>
      (await one.putChannel({ channel: { ...batched, ...fields } }, call)).channel?.batches;
    const routed = async () => {
      const { candidates } = await one.route("gpt-4o");
      return candidates.find(({ channel: name }) => name === "batched")?.batch;
    };
    expect(await put({ batches: {} })).toMatchObject({ priceRatio: "0.5", listRatio: "0.5" });
    expect(await routed()).toMatchObject({ groupRatioPpm: 500_000, listRatioPpm: 500_000, mostLines: 50_000 });
    const said = { priceRatio: "0.75", listRatio: "0.4" };
    expect(await put({ batches: said })).toMatchObject(said);
    expect(await routed()).toMatchObject({ groupRatioPpm: 750_000, listRatioPpm: 400_000 });
    expect(await put({})).toBeUndefined();
    expect(await routed()).toBeUndefined();
    for (const [fields, param] of [
      [{ batches: { priceRatio: "half" } }, "channel.batches"],
      [{ batches: { listRatio: "0" } }, "channel.batches.list_ratio"],
      [{ batches: {}, adapter: "gemini" }, "channel.batches"],
    ] as const) {
      await expect(put(fields)).rejects.toMatchObject({ code: "invalid_value", param });
    }
    await one.deleteChannel({ name: "batched" }, call);
  });

  test("are sealed anew with the new key at a start after its rotation", async () => {
    await using own = await testPostgres();
    const newKey = Buffer.alloc(32, 8).toString("base64");
    const sealedBy = async (replica: Awaited<ReturnType<typeof startTestRouting>>) => {
      const { channels } = await replica.getChannels({}, call);
      const source = channels.find(({ name }) => name === "extra")?.credentials[0]?.source;
      return source?.case === "sealed" ? source.value : new Uint8Array();
    };
    {
      await using one = await startTestRouting(own.url);
      await one.putChannel({ channel, newCredential: "sk-1" }, call);
      expect(sealedWith(await sealedBy(one))).toBe(1);
    }
    {
      await using both = await startTestRouting(own.url, { CREDENTIAL_KEY: `2:${newKey},1:${credentialKey}` });
      expect(sealedWith(await sealedBy(both))).toBe(2);
    }
    await using one = await startTestRouting(own.url, { CREDENTIAL_KEY: `2:${newKey}` });
    expect(openCredential(parseCredentialKeys(`2:${newKey}`), "extra", await sealedBy(one))).toBe("sk-1");
  });

  test("are not started on with a key that opens none of their credentials", async () => {
    await using own = await testPostgres();
    const other = Buffer.alloc(32, 8).toString("base64");
    {
      await using one = await startTestRouting(own.url);
      await one.putChannel({ channel, newCredential: "sk-1\nsk-2" }, call);
    }
    const wrong = { CREDENTIAL_KEY: other };
    await expect(startTestRouting(own.url, wrong)).rejects.toThrow(
      /^CREDENTIAL_KEY is not the one that sealed what is stored, so none of the 2 credentials .* restore .*CREDENTIAL_KEY_RESET=true/,
    );
    await expect(startTestRouting(own.url, { CREDENTIAL_KEY: "" })).rejects.toThrow(
      /^CREDENTIAL_KEY is not set, so none/,
    );
    {
      await using one = await startTestRouting(own.url, { ...wrong, CREDENTIAL_KEY_RESET: "true" });
      await one.putChannel({ channel: { ...channel, name: "second" }, newCredential: "sk-3" }, call);
    }
    // One that opens some is no wrong key.
    await using one = await startTestRouting(own.url, wrong);
    expect(await one.channelsOf("gpt-4o")).toContain("second");
  });

  test("may name what only a pattern of the file stands for, beside the channels of the pattern", async () => {
    await using own = await testPostgres();
    const file = join(mkdtempSync(join(tmpdir(), "throughline-patterns-")), "throughline.yaml");
    onTestFinished(() => rmSync(dirname(file), { recursive: true }));
    writeFileSync(
      file,
      `presets: false
strategies: [{ name: s, prices: { input: "1", output: "2" } }]
models: [{ name: "ev-*", strategy: s, owned_by: them }, { name: ev-own, strategy: s }]
channels: [{ name: house, adapter: openai, base_url: "http://127.0.0.1:3/v1", models: ["ev-*", ev-own] }]
`,
    );
    await using one = await startTestRouting(own.url, { THROUGHLINE_CONFIG: file });
    await using two = await startTestRouting(own.url, { THROUGHLINE_CONFIG: file });
    const put = (models: object[]) => one.putChannel({ channel: { ...channel, models } }, call);
    await put([{ model: "ev-new0" }]);
    for (const replica of [one, two]) {
      await eventually(async () => {
        expect((await replica.channelsOf("ev-new0")).toSorted()).toEqual(["extra", "house"]);
      }, 2_000);
      expect(await replica.channelsOf("ev-other")).toEqual(["house"]);
    }
    const listed = (await one.listModels({ group: "default" }, call)).models;
    expect(listed.map(({ name, ownedBy, createdUnixS }) => [name, ownedBy, createdUnixS > 0n])).toEqual([
      ["ev-new0", "them", true],
      ["ev-own", "throughline", true],
    ]);
    await expect(put([{ model: "other-new0" }])).rejects.toMatchObject({ param: "channel.models[0]" });
    await one.deleteChannel({ name: "extra" }, call);
    expect(await one.channelsOf("ev-new0")).toEqual(["house"]);
  });

  test.each([
    [{ name: "a b" }, "channel.name"],
    [{ name: "simulator" }, "channel.name"],
    [{ baseUrl: "ftp://x" }, "channel.base_url"],
    [{ baseUrl: `http://\${HOST}:8000/v1` }, "channel.base_url"],
    [{ baseUrl: "http://x/v1/chat/completions" }, "channel.base_url"],
    [{ headers: { "x-team": `\${TEAM}` } }, "channel.headers.x-team"],
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
