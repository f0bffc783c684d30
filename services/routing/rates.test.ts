import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog, testPostgres } from "../../shared/db/testing.ts";
import type { Pricing } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Log } from "../../shared/log.ts";
import { unitEntry } from "../../shared/units.ts";
import { call, startTestRouting } from "./testing-server.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rates-"));
});
afterAll(() => rm(folder, { recursive: true }));

const file = `
strategies:
  - name: s
    prices: { input: "1", output: "2", web_search: "0.01", video_second: { 720p: "0.10", default: "0.15" } }
    when:
      - { service_tier: flex, input: "0.5" }
      - { above_input: 1000, input: "3" }
      - { service_tier: flex, above_input: 1000, input: "1.5" }
  - name: hourly
    prices: { input: "2" }
    when: [{ utc: "00:00-12:00", input: "1", web_search: "0.02" }, { utc: "12:00-24:00", web_search: "0.03" }]
models: [{ name: m, strategy: s }, { name: h, strategy: hourly }]
channels: [{ name: c, adapter: openai, base_url: "http://x", models: [m, h] }]
`;

/** What a rate says, in short. */
const short = (pricing: Pricing | undefined) =>
  pricing?.rates.map(({ unit, nanoUsd, when }) => [
    unitEntry(unit).name.toUpperCase(),
    nanoUsd,
    when?.aboveInputTokens,
    when?.traits,
  ]);

test("rates reach whoever asks in canonical order, before and after a restart, as one object for equal requests", async () => {
  await using own = await testPostgres();
  const path = join(folder, "rates.yaml");
  await writeFile(path, file);
  const nowMs = Date.UTC(2026, 10, 29, 11, 59);
  let clockMs = nowMs;
  const start = () => startTestRouting(own.url, { THROUGHLINE_CONFIG: path }, { nowMs: () => clockMs });
  for (const round of ["first start", "restart"]) {
    await using one = await start();
    const [first, second] = [await one.route("m"), await one.route("m")];
    expect(first.candidates[0], round).toBe(second.candidates[0]);
    // A reader remembers what it made of a list only where the list is frozen.
    expect(first.candidates[0]?.pricing?.rates).toSatisfy(Object.isFrozen);
    expect(short(first.candidates[0]?.pricing)).toEqual([
      ["INPUT_TOKENS", 500_000_000n, 0n, { service_tier: "flex" }],
      ["INPUT_TOKENS", 3_000_000_000n, 1_000n, {}],
      ["INPUT_TOKENS", 1_500_000_000n, 1_000n, { service_tier: "flex" }],
      ...["CACHED_INPUT_TOKENS", "CACHE_WRITE_TOKENS"].flatMap((unit) => [
        [unit, 500_000_000n, 0n, { service_tier: "flex" }],
        [unit, 3_000_000_000n, 1_000n, {}],
        [unit, 1_500_000_000n, 1_000n, { service_tier: "flex" }],
      ]),
      ["OUTPUT_VIDEO_MS", 150_000_000n, undefined, undefined],
      ["OUTPUT_VIDEO_MS", 100_000_000n, 0n, { resolution: "720p" }],
      ["WEB_SEARCHES", 10_000_000n, undefined, undefined],
    ]);

    const hours = new Set<Pricing | undefined>();
    for (const [minutes, input, search] of [
      [0, 1, 20],
      [1, 2, 30],
      [0, 1, 20],
    ] as const) {
      clockMs = nowMs + minutes * 60_000;
      const pricing = (await one.route("h")).candidates[0]?.pricing;
      expect(pricing?.inputNanoUsdPerMtok).toBe(BigInt(input) * 1_000_000_000n);
      expect(short(pricing)).toEqual([["WEB_SEARCHES", BigInt(search) * 1_000_000n, undefined, undefined]]);
      hours.add(pricing);
    }
    expect(hours.size).toBe(2);
  }
});

test("a channel entered at run time keeps the table's rates and its space, and tells what is left out", async () => {
  await using own = await testPostgres();
  const warned: unknown[] = [];
  const log = {
    ...silentLog,
    fatal: () => undefined,
    warn: (line: unknown) => void warned.push(line),
  } as unknown as Log;
  const path = join(folder, "runtime.yaml");
  await writeFile(
    path,
    'models: [{ name: sonar-deep-research, owned_by: perplexity }, { name: "gpt-*", owned_by: openai }]',
  );
  const start = () => startTestRouting(own.url, { THROUGHLINE_CONFIG: path }, { log });
  const models = [
    { model: "gemini-2.5-flash" },
    { model: "sonar-deep-research" },
    { model: "text-embedding-3-small", upstreamModel: "e", space: "small" },
    { model: "gpt-*" },
  ];
  const channel = {
    name: "extra",
    adapter: "openai",
    platform: "x",
    baseUrl: "http://127.0.0.1:1/v1",
    enabled: true,
    weight: 1,
    models,
  };
  const check = async (routing: Awaited<ReturnType<typeof start>>) => {
    const pricing = async (model: string) => (await routing.route(model)).candidates[0]?.pricing;
    expect(short(await pricing("gemini-2.5-flash"))).toContainEqual([
      "INPUT_AUDIO_TOKENS",
      1_000_000_000n,
      undefined,
      undefined,
    ]);
    expect(await pricing("gpt-3.5-turbo-0125")).toMatchObject({ strategy: "table:openai/gpt-3.5-turbo" });
    await expect(routing.route("gpt-of-nobody")).rejects.toMatchObject({ code: "model_not_supported" });
    const listed = (await routing.listChannels({}, call)).channels.find(({ name }) => name === "extra");
    expect(listed?.models.map(({ space }) => space)).toEqual(["", "", "small", ""]);
  };
  {
    await using one = await start();
    await one.putChannel({ channel }, call);
    expect(warned).toContainEqual({
      channel: "extra",
      warnings: [expect.stringContaining("output_citation_mtok is left out: citations are counted with the output")],
    });
    await check(one);
    const wrong = { ...channel, models: [{ model: "gpt-4o", space: "s" }] };
    await expect(one.putChannel({ channel: wrong }, call)).rejects.toMatchObject({ param: "channel.models[0].space" });
  }
  await using again = await start();
  await check(again);
});

test("a price of the table that begins at a date holds from that day on, without a restart", async () => {
  await using own = await testPostgres();
  let nowMs = Date.UTC(2025, 0, 1, 23, 59);
  const env = { OPENAI_API_KEY: "k" };
  await using one = await startTestRouting(own.url, env, { nowMs: () => nowMs });
  const price = async () => (await one.route("o3")).candidates[0]?.pricing?.inputNanoUsdPerMtok;
  expect(await price()).toBe(10_000_000_000n);
  await one.service.look();
  expect(await price()).toBe(10_000_000_000n);
  nowMs = Date.UTC(2026, 0, 1);
  await one.service.look();
  expect(await price()).toBe(2_000_000_000n);
});
