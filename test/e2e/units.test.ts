import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSimulator, type Simulator } from "../../services/simulator/simulator.ts";
import { parseUsd } from "../../shared/money/usd.ts";
import { adminKey, expectSoundBooks } from "./administration.ts";
import { type Deployment, eventually, startDeployment } from "./deployment.ts";

/* What an upstream tells apart, from its answer to the ledger: each unit is charged once, at its own price. */

/** Millionths of a dollar for one of each unit. */
const prices: Readonly<Record<string, { readonly key: string; readonly microUsd: number }>> = {
  input_tokens: { key: "input", microUsd: 1 },
  cached_input_tokens: { key: "cached_input", microUsd: 2 },
  cache_write_tokens: { key: "cache_write", microUsd: 3 },
  output_tokens: { key: "output", microUsd: 5 },
  input_audio_tokens: { key: "input_audio", microUsd: 7 },
  output_audio_tokens: { key: "output_audio", microUsd: 11 },
  input_image_tokens: { key: "input_image", microUsd: 13 },
  output_image_tokens: { key: "output_image", microUsd: 17 },
  cache_write_1h_tokens: { key: "cache_write_1h", microUsd: 19 },
  web_searches: { key: "web_search", microUsd: 23 },
};

/** What an upstream of this kind reports, and the units that are charged for it beside its text. */
const rows: readonly (readonly [model: string, adapter: string, units: readonly string[]])[] = [
  [
    "sim-audio-50+image-20",
    "openai",
    ["input_audio_tokens", "input_image_tokens", "output_audio_tokens", "output_image_tokens"],
  ],
  ["sim-audio-50+cached-20", "gemini", ["input_audio_tokens", "output_audio_tokens", "cached_input_tokens"]],
  ["sim-cache-hour-50", "anthropic", ["cache_write_1h_tokens"]],
  ["sim-cache-hour-50", "openai", ["cache_write_tokens"]],
  ["sim-searches-3", "anthropic", ["web_searches"]],
  ["sim-searches-3", "openai", ["web_searches"]],
  ["sim-searches-3", "gemini", ["web_searches"]],
];
const ways = rows.flatMap(([model, adapter, units]) =>
  [false, true].map((stream) => ({ model, adapter, units, stream })),
);

const paths: Readonly<Record<string, string>> = { openai: "/v1", anthropic: "", gemini: "/v1beta" };

let simulator: Simulator;
let folder = "";
let house: Deployment;
beforeAll(async () => {
  simulator = await createSimulator({});
  folder = await mkdtemp(join(tmpdir(), "throughline-units-"));
  const listed = Object.values(prices).map(({ key, microUsd }) => {
    const dollars = key === "web_search" ? `0.${String(microUsd).padStart(6, "0")}` : String(microUsd);
    return `${key}: "${dollars}"`;
  });
  const models = [
    ...rows.map(([model, adapter]) => ({ model, adapter, strategy: "units" })),
    { model: "sim-cost-1500", adapter: "openai", strategy: "vendor" },
    { model: "sim-priority", adapter: "openai", strategy: "tiers" },
    { model: "sim-tokens-7", adapter: "openai", strategy: "tiers" },
  ];
  const named = models.map(({ model, adapter, strategy }) => `{ name: "${adapter}/${model}", strategy: ${strategy} }`);
  const channel = (adapter: string) => {
    const own = models.filter((one) => one.adapter === adapter);
    return `
  - name: ${adapter}
    adapter: ${adapter}
    base_url: ${simulator.url}${paths[adapter]}
    models: [${own.map(({ model }) => `{ name: "${adapter}/${model}", upstream: "${model}" }`).join(", ")}]`;
  };
  await writeFile(
    join(folder, "throughline.yaml"),
    `strategies:
  - name: units
    prices: { ${listed.join(", ")} }
  - name: tiers
    prices: { input: "1", output: "1" }
    when: [{ service_tier: priority, input: "10", output: "10" }]
  - name: vendor
    prices: { input: "1", output: "1", vendor_cost: "2" }
models: [${named.join(", ")}]
channels:${Object.keys(paths).map(channel).join("")}
`,
  );
  house = await startDeployment("up", {
    THROUGHLINE_CONFIG: join(folder, "throughline.yaml"),
    THROUGHLINE_ADMIN_KEY: adminKey,
    LOG_LEVEL: "warn",
  });
}, 90_000);
afterAll(async () => {
  await house?.[Symbol.asyncDispose]();
  await simulator?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

interface Life {
  readonly status: string;
  readonly usage: {
    readonly quantities: Readonly<Record<string, number>>;
    readonly traits: Readonly<Record<string, string>>;
  };
  readonly billing: { readonly reserved_usd: string; readonly billed_usd: string };
}

/** A chat, and what its record says of it when it is settled. */
async function ask(model: string, more: object = {}): Promise<{ text: string; life: Life; billedNanoUsd: bigint }> {
  const messages = [{ role: "user", content: "How does a ledger stay right when an answer is spoken?" }];
  const answer = await house.call("/v1/chat/completions", { model, max_tokens: 60, messages, ...more });
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  const id = answer.headers.get("x-oneapi-request-id") ?? "";
  const life = await eventually(async () => {
    const said = (await (await house.call(`/v1/requests/${id}`)).json()) as Life;
    return said.status === "succeeded" ? said : undefined;
  }, 20_000);
  return { text, life, billedNanoUsd: parseUsd(life.billing.billed_usd) };
}

test.each(ways)("$model at $adapter, streamed: $stream", async ({ model, adapter, units, stream }) => {
  const { text, life, billedNanoUsd } = await ask(`${adapter}/${model}`, {
    stream,
    ...(stream ? { stream_options: { include_usage: true } } : {}),
  });
  const { quantities } = life.usage;
  for (const unit of units) expect(quantities[unit], unit).toBeGreaterThan(0);
  const charges = Object.entries(quantities).map(([unit, amount]) => amount * (prices[unit]?.microUsd ?? Number.NaN));
  expect(billedNanoUsd).toBe(BigInt(charges.reduce((sum, charge) => sum + charge, 0)) * 1_000n);
  // The client is told as many tokens as are charged.
  const tokens = (side: RegExp) =>
    Object.entries(quantities).reduce((sum, [unit, amount]) => sum + (side.test(unit) ? amount : 0), 0);
  expect(text).toContain(`"prompt_tokens":${tokens(/input|cache/)}`);
  expect(text).toContain(`"completion_tokens":${tokens(/output|reasoning/)}`);
});

test("what the vendor says that it costs is charged in the place of tokens, times the strategy's factor", async () => {
  const { life, billedNanoUsd } = await ask("openai/sim-cost-1500");
  expect(life.usage.quantities.vendor_nano_usd).toBe(1_500);
  expect(billedNanoUsd).toBe(3_000n);
});

test("the tier that was served is charged, and was held", async () => {
  const served = await ask("openai/sim-priority", { service_tier: "priority" });
  expect(served.life.usage.traits).toEqual({ service_tier: "priority" });
  const tokens = Object.values(served.life.usage.quantities).reduce((sum, amount) => sum + amount, 0);
  expect(served.billedNanoUsd).toBe(BigInt(tokens) * 10_000n);
  expect(parseUsd(served.life.billing.reserved_usd)).toBeGreaterThanOrEqual(served.billedNanoUsd);
  expect(JSON.parse(simulator.requests.at(-1)?.body.toString() ?? "")).toMatchObject({ service_tier: "priority" });
  // The upstream says that it served the standard, whatever was asked for.
  const standard = await ask("openai/sim-tokens-7", { service_tier: "priority" });
  expect(standard.life.usage.traits).toEqual({});
  const plain = Object.values(standard.life.usage.quantities).reduce((sum, amount) => sum + amount, 0);
  expect(standard.billedNanoUsd).toBe(BigInt(plain) * 1_000n);
});

test("the books are sound", () => expectSoundBooks(house));
