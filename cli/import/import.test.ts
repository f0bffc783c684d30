import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as readText } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { problemsOf } from "./check.ts";
import type { Imported } from "./imported.ts";
import { fromLitellm } from "./litellm.ts";
import { fromNewApi } from "./new-api.ts";

const problems = ({ config }: Imported) =>
  problemsOf("imported.yaml", stringify(config, { aliasDuplicateObjects: false }));

const litellm = `
model_list:
  - model_name: chat
    litellm_params: { model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY, rpm: 300, timeout: 90, stream_timeout: 20 }
  - model_name: chat
    litellm_params:
      model: azure/our-deployment
      api_base: https://ours.openai.azure.com/
      api_version: "2024-10-21"
      api_key: os.environ/AZURE_API_KEY
      order: 2
    model_info: { base_model: azure/gpt-4o, input_cost_per_token: 0.0000025, output_cost_per_token: 0.00001 }
  - model_name: claude-haiku-4-5
    litellm_params: { model: claude-haiku-4-5, api_key: os.environ/ANTHROPIC_API_KEY }
  - model_name: own
    litellm_params:
      model: hosted_vllm/own-model
      api_base: http://vllm.internal:8000/v1
      api_key: sk-written-down
      input_cost_per_token: 0.0000015
      output_cost_per_token: 0.000002
      extra_headers: { X-Team: search, Authorization: Bearer no }
    model_info: { max_input_tokens: 32768, max_tokens: 4096 }
  - model_name: vectors
    litellm_params: { model: text-embedding-3-small }
    model_info: { mode: embedding }
  - model_name: "groq/*"
    litellm_params: { model: "groq/*", api_key: os.environ/GROQ_API_KEY }
  - model_name: nobody
    litellm_params: { model: sagemaker/something }
router_settings:
  fallbacks: [{ chat: [claude-haiku-4-5, absent] }]
  model_group_alias: { default: chat }
litellm_settings: { drop_params: true, num_retries: 3 }
general_settings: { master_key: sk-1234 }
`;

const channel = {
  type: 1,
  status: 1,
  key: "sk-a\nsk-b",
  group: "default,vip",
  models: "gpt-4o,fast",
  model_mapping: '{"fast":"faster","faster":"gpt-4o-mini"}',
};
const newApi = {
  success: true,
  data: {
    items: [
      { ...channel, id: 1, name: "主 渠道 OpenAI", priority: 10, weight: 0, openai_organization: "org-1" },
      {
        ...channel,
        id: 2,
        name: "Azure",
        type: 3,
        base_url: "https://ours.openai.azure.com",
        other: "2024-10-21",
        key: "k",
        status: 2,
      },
      { ...channel, id: 3, name: "Claude", type: 14, models: "claude-haiku-4-5", model_mapping: "", key: "sk-ant" },
      { ...channel, id: 4, name: "Suno", type: 36 },
      {
        ...channel,
        id: 5,
        name: "relay",
        base_url: "https://relay.example.com",
        status_code_mapping: '{"400":"500"}',
        key: "",
      },
    ],
  },
};
const options = {
  data: [
    { key: "GroupRatio", value: '{"default":1,"vip":0.8}' },
    { key: "ModelRatio", value: '{"gpt-4o":1.25,"fast":0.075,"claude-haiku-4-5":0.5}' },
    { key: "CompletionRatio", value: '{"gpt-4o":4,"fast":4}' },
    { key: "CacheRatio", value: '{"gpt-4o":0.5}' },
  ],
};

describe("LiteLLM's config.yaml", () => {
  const imported = fromLitellm(parse(litellm));
  const { channels, aliases, models, strategies } = imported.config;
  const named = (name: string) => channels.find((candidate) => candidate.name === name);

  test("is a configuration that routing takes as it is", async () => {
    expect(await problems(imported)).toEqual([]);
  });

  test("keeps deployments of one name as alternatives, with order, shares and times", () => {
    expect(named("openai")).toMatchObject({
      credentials: [{ env: "OPENAI_API_KEY" }],
      weight: 300,
      timeouts: { headers_ms: 90_000, body_ms: 90_000, first_token_ms: 20_000 },
      models: { chat: "gpt-4o" },
    });
    expect(named("azure")).toMatchObject({
      base_url: "https://ours.openai.azure.com",
      flavour: { vendor: "azure", path: expect.stringContaining("api-version=2024-10-21") },
      priority: -2,
      models: { chat: { upstream: "our-deployment", strategy: "chat" } },
    });
    expect(aliases).toEqual({ default: "chat" });
  });

  test("has prices exactly, facts of models, and stand-ins at a lower priority than all others", () => {
    expect(strategies).toEqual([
      { name: "chat", prices: { input: "2.5", output: "10" } },
      { name: "own", prices: { input: "1.5", output: "2" } },
    ]);
    expect(models).toContainEqual({ name: "own", owned_by: "vllm", context_window: 32_768, max_output: 4_096 });
    expect(models).toContainEqual({ name: "vectors", module: "embeddings", owned_by: "openai" });
    expect(named("anthropic-for-chat")).toMatchObject({ models: { chat: "claude-haiku-4-5" }, priority: -12 });
    expect(named("groq")?.models).toEqual({ "*": "*" });
  });

  test("has no key in it, and says what it left out", () => {
    expect(JSON.stringify(imported.config)).not.toMatch(/sk-written-down|Bearer no/);
    expect(imported.secrets).toEqual(new Map([["IMPORTED_KEY_1", "sk-written-down"]]));
    expect(named("vllm")).toMatchObject({ credentials: [{ env: "IMPORTED_KEY_1" }], headers: { "X-Team": "search" } });
    const notes = imported.notes.join("\n");
    for (const word of ["sagemaker", "absent", "drop_params", "num_retries", "master_key", "groq/*"])
      expect(notes).toContain(word);
  });
});

describe("a deployment that cannot be imported as it stands", () => {
  const imported = (params: object, variables = {}) =>
    fromLitellm({ model_list: [{ model_name: "chat", litellm_params: params }] }, variables);
  const azure = { model: "azure/gpt", api_base: "os.environ/OUR_AZURE", api_key: "os.environ/K" };

  test.each([
    [azure, "api_base is in the variable OUR_AZURE, which is not set here: set it and import again"],
    [{ model: "openai/own", api_base: "os.environ/OUR_BASE" }, "api_base is in the variable OUR_BASE"],
    [{ model: "azure/gpt" }, "it says no api_base, and AZURE_API_BASE is not set here"],
    [
      { model: "bedrock/x" },
      "it says no aws_region_name, and AWS_REGION_NAME, AWS_REGION, AWS_DEFAULT_REGION are not set",
    ],
    [{ model: "bedrock/x", aws_region_name: "os.environ/R" }, "aws_region_name is in the variable R"],
    [
      { model: "vertex_ai/gemini-pro" },
      "it says no vertex_project, and VERTEXAI_PROJECT, VERTEXAI_LOCATION are not set",
    ],
    [{ model: "azure/", api_base: "https://x" }, '"azure/" names no model'],
    [{ model: "auto_router/x" }, "LiteLLM chooses among models by it; throughline/auto does so here"],
    [{ model: "watsonx/x" }, 'there is no adapter for the provider of "watsonx/x"'],
  ])("is left out with its reason: %j", (params, reason) => {
    const { config, notes } = imported(params);
    expect([config.channels, notes]).toEqual([[], [expect.stringContaining(`model_list[0] (chat): ${reason}`)]]);
  });

  test.each([
    [azure, { OUR_AZURE: "https://a.example" }, "https://a.example"],
    [{ model: "azure/gpt" }, { AZURE_API_BASE: "https://b.example/" }, "https://b.example"],
    [{ model: "bedrock/x" }, { AWS_REGION: "eu-west-1" }, "https://bedrock-runtime.eu-west-1.amazonaws.com"],
    [
      { model: "bedrock/x", aws_region_name: "us-east-1" },
      { AWS_REGION: "eu-west-1" },
      "https://bedrock-runtime.us-east-1.amazonaws.com",
    ],
    [
      { model: "bedrock/x", aws_region_name: "os.environ/R" },
      { R: "eu-west-1" },
      "https://bedrock-runtime.eu-west-1.amazonaws.com",
    ],
    [
      { model: "vertex_ai/gemini-pro", vertex_project: "os.environ/P" },
      { P: "p" },
      "https://aiplatform.googleapis.com/v1/projects/p/locations/global",
    ],
  ])("is imported where its variables are set: %j %j", (params, variables, address) => {
    expect(imported(params, variables).config.channels).toMatchObject([{ base_url: address }]);
    // A key is never written out.
    expect(JSON.stringify(imported({ ...azure, ...params }, { ...variables, K: "sk-secret" }))).not.toContain(
      "sk-secret",
    );
  });
});

describe("new-api's channels", () => {
  const imported = fromNewApi(newApi, options);
  const { channels, groups, strategies } = imported.config;

  test("are a configuration that routing takes as it is", async () => {
    expect(await problems(imported)).toEqual([]);
  });

  test("keep groups, priorities, keys in turn, and names mapped along their chain", () => {
    expect(channels.map(({ name }) => name)).toEqual(["OpenAI", "Azure", "Claude", "relay"]);
    expect(channels[0]).toMatchObject({
      base_url: "https://api.openai.com/v1",
      groups: ["default", "vip"],
      priority: 10,
      credentials: [{ env: "CHANNEL_OPENAI_KEY_1" }, { env: "CHANNEL_OPENAI_KEY_2" }],
      headers: { "OpenAI-Organization": "org-1" },
      models: { "gpt-4o": "gpt-4o", fast: "gpt-4o-mini" },
    });
    expect(channels[0]).not.toHaveProperty("weight");
    expect(channels[1]).toMatchObject({ enabled: false, credentials: [{ env: "CHANNEL_AZURE_KEY" }] });
    expect(channels[3]).toMatchObject({
      base_url: "https://relay.example.com/v1",
      credentials: [{ env: "CHANNEL_RELAY_KEY" }],
    });
    expect(imported.secrets.get("CHANNEL_OPENAI_KEY_2")).toBe("sk-b");
    expect(imported.notes.join("\n")).toMatch(/Suno.*type 36[\s\S]*status_code_mapping/);
  });

  test("cost what their ratios say: 1 is two dollars a million tokens", () => {
    expect(groups).toEqual([
      { name: "default", ratio: "1" },
      { name: "vip", ratio: "0.8" },
    ]);
    expect(strategies).toContainEqual({ name: "gpt-4o", prices: { input: "2.5", output: "10", cached_input: "1.25" } });
    expect(strategies).toContainEqual({ name: "fast", prices: { input: "0.15", output: "0.6" } });
    expect(imported.notes.join("\n")).toContain("claude-haiku-4-5");
  });
});

test("whatever a file holds, it is imported or refused in words, and no key of it is written", () => {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom("os.environ/X", "openai/*", "azure/x", "*", "bedrock/y", '{"a":"a"}'),
  );
  const fields = [
    "model",
    "api_key",
    "api_base",
    "rpm",
    "timeout",
    "order",
    "custom_llm_provider",
    "extra_headers",
    "input_cost_per_token",
  ];
  const entry = fc.record(
    { model_name: value, litellm_params: fc.dictionary(fc.constantFrom(...fields), value), model_info: value },
    { requiredKeys: [] },
  );
  const row = fc.dictionary(
    fc.constantFrom(
      "type",
      "name",
      "base_url",
      "models",
      "group",
      "model_mapping",
      "weight",
      "priority",
      "header_override",
      "status",
    ),
    fc.oneof(value, fc.constantFrom(1, 3, 14, "a,b")),
  );
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 5 }),
      fc.array(row, { maxLength: 5 }),
      value,
      (entries, rows, settings) => {
        const withKey = entries.map((one) => ({
          ...one,
          litellm_params: { ...one.litellm_params, api_key: "sk-secret" },
        }));
        expect(JSON.stringify(fromLitellm({ model_list: withKey, router_settings: settings }).config)).not.toContain(
          "sk-secret",
        );
        const keyed = rows.map((one) => ({ ...one, key: "sk-secret" }));
        expect(JSON.stringify(fromNewApi(keyed, settings).config)).not.toContain("sk-secret");
      },
    ),
  );
  expect(() => fromLitellm(["no"])).toThrow("no config.yaml of LiteLLM");
  expect(() => fromNewApi("no")).toThrow("no export of new-api");
});

describe("the command", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "throughline-import-"));
    await writeFile(join(folder, "litellm.yaml"), litellm);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const root = fileURLToPath(new URL("../..", import.meta.url));
  async function run(...args: string[]) {
    const child = spawn(process.execPath, [join(root, "cli/main.ts"), "import", ...args], { cwd: folder });
    const [out, err, [code]] = await Promise.all([readText(child.stdout), readText(child.stderr), once(child, "exit")]);
    return { out, err, code };
  }

  test("writes the configuration, and keys apart for their owner alone", async () => {
    const done = await run("litellm", "litellm.yaml", "--out", "ours.yaml", "--keys", "keys.env");
    expect(done).toMatchObject({ out: "", code: 0 });
    expect(done.err).toContain("the file is ready");
    expect(parse(await readFile(join(folder, "ours.yaml"), "utf8"))).toEqual(fromLitellm(parse(litellm)).config);
    expect(await readFile(join(folder, "keys.env"), "utf8")).toBe("IMPORTED_KEY_1=sk-written-down\n");
    expect((await stat(join(folder, "keys.env"))).mode & 0o777).toBe(0o600);
    const again = await run("litellm", "litellm.yaml", "--out", "ours.yaml", "--keys", "keys.env");
    expect([again.code, again.err]).toEqual([1, expect.stringContaining("keys.env")]);
  });

  test("says in words what is no such file", async () => {
    expect(await run("new-api", "litellm.yaml")).toMatchObject({
      code: 1,
      err: expect.stringContaining("no list of channels"),
    });
    expect(await run("litellm", "absent.yaml")).toMatchObject({
      code: 1,
      err: expect.stringContaining("cannot be read"),
    });
  });
});
