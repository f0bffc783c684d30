import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { traits, units } from "../../../shared/units.ts";
import { configurationOf, load, problemsOf, snapshotOf } from "../testing.ts";
import { capabilities } from "./capabilities.ts";

const example = readFileSync(new URL("../../../deploy/throughline.example.yaml", import.meta.url), "utf8");

describe("the example configuration", () => {
  test("loads, and says what its comments say", () => {
    const { groups, channels, aliases, models } = configurationOf(example);
    expect(groups).toContainEqual({ name: "partners", ratioPpm: 850_000 });
    expect(channels.map(({ name }) => name)).toEqual([
      "house-a",
      "house-b",
      "ollama",
      "rented",
      "bedrock",
      "vertex",
      "painter",
      "laboratory",
    ]);
    expect(aliases.smart).toBe("gpt-5-high");
    expect(models.find(({ name }) => name === "gpt-4o")?.contextWindowTokens).toBe(128_000);
    const snapshot = snapshotOf(example);
    expect(snapshot.names.resolve("smart")).toEqual({ model: "gpt-5", concrete: "gpt-5", control: "high" });
    expect(snapshot.serving("default", "gpt-4o")?.tiers[0]?.members[0]?.price.strategy).toMatchObject({
      name: "extract-text",
      key: "extract-text+table:openrouter/openai/gpt-4o",
      origin: "table",
      customResponse: "{text: choices[0].message.content}",
    });
  });

  test("names every field that there is", () => {
    // Users cannot find a field that the schema knows and the example does not show.
    const fields = [
      ..."name adapter platform base_url credentials env file models upstream strategy space groups priority weight enabled".split(
        " ",
      ),
      ..."timeouts connect_ms headers_ms first_token_ms chunk_ms body_ms batches by price_ratio list_ratio headers request_id_header flavour presets ratio prices free".split(
        " ",
      ),
      ...units.map(({ priceKey }) => priceKey),
      ...traits,
      ...capabilities,
      ..."when above_input utc default custom_response".split(" "),
      ..."module owned_by context_window max_output capabilities auto prefer among aliases".split(" "),
    ];
    for (const field of fields) expect(example, field).toMatch(new RegExp(`\\b${field}\\b`));
  });
});

describe("problems", () => {
  test("are told with file, line, column and field, all at once, in the file's order", () => {
    const text = `groups:
  - name: vip
    ratio: cheap
channels:
  - name: a
    adapter: openai
    base_url: ftp://x
    weight: -1
    colour: red
    models: [gpt-4o]
`;
    expect(problemsOf(text)).toEqual([
      'throughline.yaml:3:5 groups[0].ratio: must be a decimal of 0 or more with at most 9 decimals, such as "2.50"',
      "throughline.yaml:7:5 channels[0].base_url: must be an http or https URL",
      "throughline.yaml:8:5 channels[0].weight: must be 0 or more",
      "throughline.yaml:9:5 channels[0].colour: is not a known field",
    ]);
  });

  const prices = (rest: string) => `strategies: [{ name: s, prices: ${rest} }]`;
  const when = (rest: string) => `strategies: [{ name: s, prices: { input: "1" }, when: [${rest}] }]`;
  const channel = (rest: string) => `channels:\n  - { name: a, adapter: openai, base_url: "http://x", ${rest} }`;
  test.each([
    ["a: [", /^throughline.yaml:1:\d+: /],
    ["groups: []\ngroups: []", /^throughline.yaml:2:1: Map keys must be unique/],
    ["", /: the file is empty$/],
    ["# nothing but a comment\n", /: the file is empty$/],
    ["x", /: must be a map$/],
    ["channels:", /channels: must be a list$/],
    ["channels:\n  - adapter: openai", /throughline.yaml:2:5 channels\[0\].name: is missing$/],
    [channel("models: [nonesuch]"), /2:\d+ channels\[0\].models\[0\]: names no model: "nonesuch"$/],
    [channel("models: [gpt-4o, gpt-4o]"), /models\[1\]: "gpt-4o" is there twice$/],
    [channel("models: [gpt-4o], groups: [none]"), /groups\[0\]: names no group: "none"$/],
    [channel("models: [{ name: gpt-4o, strategy: none }]"), /models\[0\].strategy: names no strategy: "none"$/],
    [channel("models: { gpt-4o: { space: s } }"), /models.gpt-4o.space: is for models of embeddings$/],
    [channel("models: [throughline/auto]"), /is an auto model/],
    [channel('models: { gpt-4o: "x*" }'), /must not have a '\*' upstream/],
    [channel("models: [gpt-4o], batches: theirs"), /batches: /],
    [
      channel("models: [gpt-4o], batches: vendor").replace("openai", "gemini"),
      /batches: must be own: the adapter gemini/,
    ],
    [channel("models: { gpt-4o: gpt-4, gpt-4: gpt-4o }"), /gpt-4o: is mapped in a circle: gpt-4o -> gpt-4 -> gpt-4o$/],
    [channel('models: [gpt-4o], headers: { X-Api-Key: "k" }'), /headers.X-Api-Key: is set by the platform/],
    [
      channel("models: [gpt-4o], credentials: [{ env: A, file: /b }]"),
      /credentials\[0\]: must have one of env and file$/,
    ],
    [
      `${channel("models: [gpt-4o]")}\n  - { name: a, adapter: openai, base_url: "http://x", models: [gpt-4] }`,
      /3:\d+ channels\[1\].name: "a" is there twice$/,
    ],
    ["models: [{ name: priceless }]", /models\[0\]: has no price: name a strategy that has prices or is free$/],
    ['models: [{ name: "a*b" }]', /'\*' only at its end/],
    ["models: [{ name: m, strategy: none }]", /models\[0\].strategy: names no strategy/],
    [
      "models: [{ name: m, auto: { prefer: cheap, among: [none] } }]",
      /models\[0\].auto.among\[0\]: names no model: "none"$/,
    ],
    ["models: [{ name: m, auto: { prefer: cheap, among: [throughline/auto] } }]", /must not be an auto model itself$/],
    ["aliases: { a: b, b: c, c: a }", /1:12 aliases.a: leads in a circle: a -> b -> c -> a$/],
    ["aliases: { a: a }", /aliases.a: leads in a circle: a -> a$/],
    ["aliases: { a: nowhere-high }", /aliases.a: leads to no model: a -> nowhere-high$/],
    ['aliases: { "a*": gpt-4o }', /must not be a pattern$/],
    ["strategies: [{ name: s, free: true, prices: { input: 1 } }]", /free: must not stand beside prices$/],
    ['strategies: [{ name: s, prices: { input: "0" } }]', /sets no price/],
    ['strategies: [{ name: s, prices: { input: "1e3" } }]', /prices.input: must be a decimal/],
    ['strategies: [{ name: s, prices: { input: "-1" } }]', /prices.input: must be a decimal/],
    ['strategies: [{ name: s, prices: { input: "2000000" } }]', /prices.input: must be at most 1000000 USD$/],
    [prices('{ image: { "1024x1024": "x" } }'), /strategies\[0\].prices.image\["1024x1024"\]: must be a decimal/],
    [prices('{ image: { "a b": "1" } }'), /prices.image\["a b"\]: must be 1 to 64 printable characters/],
    [prices("{ image: {} }"), /prices.image: must have 1 to 64 prices$/],
    [prices('{ input: { "720p": "1" } }'), /prices.input: must be a decimal/],
    [prices('{ inputs: "1" }'), /prices.inputs: is not a known field$/],
    [prices('{ vendor_cost: "1.05", request: "1" }'), /prices.vendor_cost: needs other prices beside it/],
    [
      "strategies: [{ name: s, when: [{ above_input: 1, input: 1 }] }]",
      /strategies\[0\].when: must stand beside prices$/,
    ],
    [when("{ input: 2 }"), /when\[0\]: must have one of above_input, utc, service_tier, size/],
    [when("{ above_input: 5 }"), /when\[0\]: must have a price$/],
    [when("{ above_input: 0, input: 2 }"), /when\[0\].above_input: must be 1 or more$/],
    [when("{ above_input: 5, input: dear }"), /when\[0\].input: must be a decimal/],
    [when('{ utc: "9-12", input: 2 }'), /when\[0\].utc: must be two different times of the day in UTC/],
    [when('{ utc: "09:00-09:00", input: 2 }'), /when\[0\].utc: must be two different times/],
    [when("{ above_input: 5, colour: red, input: 2 }"), /when\[0\].colour: is not a known field$/],
    [when('{ service_tier: "", input: 2 }'), /when\[0\].service_tier: must be 1 to 64 printable/],
    [
      when("{ above_input: 5, input: 2 }, { service_tier: flex, input: 3 }"),
      /when\[1\].input: could hold together with another price: say what holds for above_input: 5, service_tier: flex$/,
    ],
    [
      when("{ service_tier: flex, input: 2 }, { size: a, input: 3 }"),
      /when\[1\].input: could hold together .* for size: a, service_tier: flex$/,
    ],
    [when("{ above_input: 5, input: 2 }, { above_input: 5, input: 3 }"), /when\[1\].input: has a price under the same/],
    [
      when("{ above_input: 5, input: 2 }, { service_tier: flex, cached_input: 3 }"),
      /when\[1\].cached_input: could hold together/,
    ],
    [
      when('{ utc: "00:00-12:00", input: 2 }, { utc: "11:00-13:00", input: 3 }'),
      /when\[1\].input: has a price under the same/,
    ],
    [
      when('{ utc: "00:00-12:00", size: a, input: 2 }, { service_tier: flex, input: 3 }'),
      /when\[1\].input: could hold together/,
    ],
    [
      when("{ size: a, image: 2 }"),
      /when\[0\].image: holds under a condition only: say under prices what holds otherwise$/,
    ],
    [when('{ utc: "01:00-02:00", image: 2 }'), /when\[0\].image: holds for some hours only: say under prices/],
    [when("{ size: a, vendor_cost: 1 }"), /when\[0\].vendor_cost: holds under a condition only/],
    ['strategies: [{ name: s, free: true, custom_response: "a[" }]', /custom_response: is not a JMESPath expression/],
    ['groups: [{ name: g, ratio: "1.0000001" }]', /ratio: must be 0 to 4000 with at most 6 decimals$/],
  ])("%s", (text, message) => {
    const problems = problemsOf(text);
    expect(problems[0]).toMatch(message);
  });

  test("no text makes loading throw", () => {
    const words = [
      "channels:",
      "models:",
      "- ",
      "name: ",
      "{",
      "}",
      "[",
      "]",
      "\n",
      "  ",
      "&a ",
      "*a",
      "gpt-4o",
      "<<: ",
      '"',
      "null",
      "1",
    ];
    const text = fc.array(fc.oneof(fc.constantFrom(...words), fc.string())).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, (yaml) => {
        const compiled = load(yaml);
        if (!compiled.ok) expect(compiled.problems.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe("what is written later takes the place of what came before", () => {
  test("a model, an alias or a channel of the file that of the presets and the environment", () => {
    const text = `
strategies: [{ name: s, free: true }]
models: [{ name: gpt-4o, strategy: s, owned_by: us }]
aliases: { gpt-4: gpt-4o }
channels: [{ name: openai, adapter: openai, base_url: "http://proxy", models: [gpt-4o] }]
`;
    const { models, aliases, channels } = configurationOf(text, { env: { OPENAI_API_KEY: "k" } });
    expect(models.filter(({ name }) => name === "gpt-4o")).toMatchObject([{ ownedBy: "us", strategy: "s" }]);
    expect(models.some(({ name }) => name === "gpt-4")).toBe(false);
    expect(aliases["gpt-4"]).toBe("gpt-4o");
    expect(channels.map(({ name, baseUrl }) => [name, baseUrl])).toEqual([["openai", "http://proxy"]]);
  });

  test("presets: false leaves only what the file has, and the environment's channels with it", () => {
    const text = "presets: false\nmodels: [{ name: gpt-4o, owned_by: openai }]";
    const { models, channels } = configurationOf(text, { env: { OPENAI_API_KEY: "k", MISTRAL_API_KEY: "k" } });
    expect(models.map(({ name }) => name)).toEqual(["gpt-4o"]);
    expect(channels).toMatchObject([{ name: "openai", models: [{ model: "gpt-4o" }] }]);
  });
});
