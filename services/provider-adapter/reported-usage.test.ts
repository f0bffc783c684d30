import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inputTokensOf, outputTokensOf, quantitiesOf } from "../../shared/money/usage.ts";
import { unitEntry } from "../../shared/units.ts";
import { simulatedModels } from "../simulator/models.ts";
import { createSimulator, type Simulator } from "../simulator/simulator.ts";
import { startTestProvider, type TestProvider } from "./testing-provider.ts";

/* What upstreams report, over real sockets to the outcome that is settled. */

let simulator: Simulator;
let provider: TestProvider;
beforeAll(async () => {
  simulator = await createSimulator({});
  const { url } = simulator;
  provider = await startTestProvider({
    openai: { adapter: "openai", baseUrl: `${url}/v1`, flavour: { responses: true } },
    anthropic: { adapter: "anthropic", baseUrl: url },
    gemini: { adapter: "gemini", baseUrl: `${url}/v1beta` },
    bedrock: { adapter: "bedrock", baseUrl: url, flavour: { region: "us-east-1" } },
    vertex: { adapter: "vertex", baseUrl: `${url}/v1/projects/p/locations/l`, credential: "static-token" },
  });
});
afterAll(async () => {
  await provider?.[Symbol.asyncDispose]();
  await simulator?.close();
});

const dialects = ["openai.chat", "openai.responses", "anthropic.messages"];
const body = { model: "m", max_tokens: 500, input: "Hello", messages: [{ role: "user", content: "Hello" }] };
const media = [...["input_audio_tokens", "output_audio_tokens"], ...["input_image_tokens", "output_image_tokens"]];

const searched = ["web_searches"];
const searching = { openai: searched, anthropic: searched, gemini: searched, vertex: searched };

/** The units that an answer is charged by beside its plain tokens, by what is reported and by the adapter. */
const reports: readonly [string, Readonly<Record<string, readonly string[]>>][] = [
  ["sim-audio-50+image-20", { openai: media, gemini: media, vertex: media }],
  [
    "sim-cache-hour-50",
    { openai: ["cache_write_tokens"], anthropic: ["cache_write_1h_tokens"], bedrock: ["cache_write_1h_tokens"] },
  ],
  ["sim-searches-3", searching],
  ["sim-cost-1500", { openai: ["vendor_nano_usd"] }],
  ["sim-flex", {}],
  ["sim-priority+searches-2", searching],
];
const ways = reports.flatMap(([model, units]) =>
  ["openai", "anthropic", "gemini", "bedrock", "vertex"].flatMap((channel) =>
    dialects.flatMap((dialect) =>
      [false, true].map((stream) => ({ model, channel, dialect, stream, units: units[channel] ?? [] })),
    ),
  ),
);

/** OpenAI's responses tell no media apart. */
const tellsMedia = (channel: string, dialect: string) => channel !== "openai" || dialect !== "openai.responses";

test.each(ways)(
  "$model of $channel for $dialect, streamed: $stream",
  async ({ model, channel, dialect, stream, units }) => {
    const invoke = (name: string) =>
      provider.invoke({ dialect, body: { ...body, stream }, candidates: [{ channel, model: name }] });
    const { outcome, error } = await invoke(model);
    expect(error).toBeUndefined();
    const { usage } = outcome;
    if (usage === undefined) throw new Error("no usage");
    const plain = ["input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens"];
    const charged = quantitiesOf(usage).map(({ unit }) => unitEntry(unit).name);
    const expected = units.filter((name) => tellsMedia(channel, dialect) || !media.includes(name));
    expect(charged.filter((name) => !plain.includes(name)).toSorted()).toEqual(expected.toSorted());
    expect(usage.estimated).toBe(false);
    const tier = /sim-(flex|priority)/.exec(model)?.[1];
    expect(usage.traits).toEqual(tier === undefined ? {} : { service_tier: tier });
    // As many tokens as the same answer has whose upstream tells nothing apart.
    const same = (await invoke("gpt-4o")).outcome.usage;
    expect(same && inputTokensOf(usage)).toBe(same && inputTokensOf(same));
    if (same !== undefined) expect(outputTokensOf(usage)).toBeGreaterThan(0n);
  },
);

describe("models that report", () => {
  test("are in the simulator's table", () => {
    const examples = simulatedModels.map(({ example }) => example);
    for (const [model] of reports) {
      for (const part of model.replace("sim-", "").split("+")) {
        const stem = part.replace(/-\d+$/, "");
        expect(
          examples.some((example) => example.startsWith(`sim-${stem}`)),
          stem,
        ).toBe(true);
      }
    }
  });
});
