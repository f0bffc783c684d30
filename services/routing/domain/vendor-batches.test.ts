import { expect, test } from "vitest";
import { readPresets } from "../live/presets.ts";
import { environmentChannels } from "./presets.ts";
import { batchesOf } from "./vendor-batches.ts";

test.each([
  [{ adapter: "openai" }, 1_000_000, undefined, undefined],
  [{ adapter: "gemini", batches: { priceRatioPpm: 500_000 } }, 1_000_000, undefined, undefined],
  [{ adapter: "openai", batches: { priceRatioPpm: 500_000 } }, 1_000_000, 500_000, 500_000],
  [{ adapter: "anthropic", batches: { priceRatioPpm: 250_000 } }, 1_500_001, 375_000, 500_000],
  [{ adapter: "openai", batches: { priceRatioPpm: 1, listRatioPpm: 600_000 } }, 1_000_000, 1, 600_000],
])(
  "lines of %j cost a part of what the group pays, and of the vendor's list",
  (channel, groupRatioPpm, ratio, list) => {
    const batches = batchesOf(channel, groupRatioPpm);
    expect([batches?.groupRatioPpm, batches?.listRatioPpm]).toEqual([ratio, list]);
  },
);

test.each([
  [{}, "vendor"],
  [{ OPENAI_BASE_URL: "https://proxy.example/v1", ANTHROPIC_BASE_URL: "https://proxy.example" }, "own"],
])("the vendors' channels use their batches at the vendors' own addresses alone (%j)", async (addresses, batches) => {
  const env = { OPENAI_API_KEY: "k", ANTHROPIC_API_KEY: "k", ...addresses };
  const { channels } = environmentChannels(env, (await readPresets()).vendors).config;
  expect(channels.map((channel) => [channel.name, channel.batches])).toEqual([
    ["openai", batches],
    ["anthropic", batches],
  ]);
});
