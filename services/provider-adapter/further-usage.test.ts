import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Unit } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { type BillableUsage, inputTokensOf, outputTokensOf, quantitiesOf } from "../../shared/money/usage.ts";
import { unitEntry } from "../../shared/units.ts";
import { furtherUsages } from "./testing-further-usages.ts";
import { answered, type UsageFormat, usageFormats } from "./testing-usages.ts";

/** What of a usage is charged, by the units' names. */
function charged(usage: BillableUsage): Record<string, number> {
  return Object.fromEntries(quantitiesOf(usage).map(({ unit, amount }) => [unitEntry(unit).name, Number(amount)]));
}

const waysOf = (...names: readonly string[]) =>
  usageFormats
    .filter(({ name }) => names.includes(name))
    .flatMap((format) =>
      format.dialects.flatMap((dialect) => [false, true].map((stream) => ({ format, dialect, stream }))),
    );

describe.each(furtherUsages)("%s", (_name, names, usage, expected) => {
  test.each(waysOf(...names))("$format.name for $dialect, streamed: $stream", ({ format, dialect, stream }) => {
    const { usage: known, said } = answered(format, dialect, stream, [usage]);
    expect(charged(known)).toEqual(expected);
    expect(known.estimated).toBe(false);
    if (format.name === "messages" && dialect === "anthropic.messages") return;
    // Where we write the usage ourselves, the client is told the same tokens as without the details.
    const bare = answered(format, dialect, stream, [withoutDetails(usage)]);
    expect(totalsIn(said)).toEqual(totalsIn(bare.said));
  });
});

/** The usage as an upstream says it that tells no kinds apart. */
function withoutDetails(usage: object): object {
  const bare = structuredClone(usage) as Record<string, unknown>;
  const creation = bare.cache_creation as Record<string, number> | undefined;
  if (creation !== undefined) {
    bare.cache_creation_input_tokens ??= Object.values(creation).reduce((sum, count) => sum + count);
    delete bare.cache_creation;
  }
  for (const [name, value] of Object.entries(bare)) {
    if (name.endsWith("TokensDetails")) delete bare[name];
    if (!name.endsWith("_details")) continue;
    for (const kind of ["audio", "image", "video", "text"]) delete (value as Record<string, unknown>)[`${kind}_tokens`];
    delete (value as Record<string, unknown>).cached_tokens_details;
  }
  return bare;
}

/** Every count of the usage that a client is told, but those of media, which go on as the upstream says them. */
function totalsIn(said: string): unknown[] {
  return [...said.matchAll(/"(\w*_tokens)":(\d+)/g)]
    .filter(([, name = ""]) => !/^(audio|image|video|text|ephemeral)/.test(name))
    .map(([, name, count]) => `${name} ${count}`);
}

/** Every detail of every format, as paths. */
const details: Readonly<Record<string, readonly string[]>> = {
  chat: [
    ...["audio", "image", "video"].map((kind) => `prompt_tokens_details.${kind}_tokens`),
    ...["audio", "image"].map((kind) => `completion_tokens_details.${kind}_tokens`),
    ...["audio", "image"].map((kind) => `prompt_tokens_details.cached_tokens_details.${kind}_tokens`),
    "prompt_tokens_details.cached_tokens",
    "prompt_tokens_details.cache_write_tokens",
    "completion_tokens_details.reasoning_tokens",
  ],
  messages: [
    ...["cache_creation.ephemeral_1h_input_tokens", "cache_creation.ephemeral_5m_input_tokens"],
    ...["cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens_details.thinking_tokens"],
  ],
  gemini: ["cachedContentTokenCount", "thoughtsTokenCount"],
};
const modalities = ["TEXT", "AUDIO", "IMAGE", "VIDEO", "DOCUMENT", "SMELL"];
const lists = ["promptTokensDetails", "cacheTokensDetails", "candidatesTokensDetails"];

function detailed(format: UsageFormat): fc.Arbitrary<Record<string, unknown>> {
  const count = fc.oneof(fc.nat(3_000), fc.constantFrom(null, -1, 0.5, "7", 1e300, [], {}, undefined, 2e9));
  const paths = details[format.name] ?? [];
  const list = fc.array(fc.record({ modality: fc.constantFrom(...modalities), tokenCount: count }), { maxLength: 6 });
  return fc
    .tuple(
      fc.array(count, { minLength: paths.length, maxLength: paths.length }),
      fc.array(list, { minLength: 3, maxLength: 3 }),
      count,
      count,
    )
    .map(([values, kinds, input, output]) => {
      const usage: Record<string, unknown> = { [format.input]: input, [format.output]: output };
      for (const [index, path] of paths.entries()) setAt(usage, path.split("."), values[index]);
      if (format.name === "gemini") for (const [index, name] of lists.entries()) usage[name] = kinds[index];
      return usage;
    });
}

function setAt(usage: Record<string, unknown>, [name = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) usage[name] = value;
  else {
    usage[name] ??= {};
    setAt(usage[name] as Record<string, unknown>, rest, value);
  }
}

const inputUnits: ReadonlySet<Unit> = new Set([
  ...[Unit.INPUT_TOKENS, Unit.CACHED_INPUT_TOKENS, Unit.CACHE_WRITE_TOKENS, Unit.CACHE_WRITE_1H_TOKENS],
  ...[Unit.INPUT_AUDIO_TOKENS, Unit.INPUT_IMAGE_TOKENS, Unit.INPUT_VIDEO_TOKENS],
  ...[Unit.CACHED_INPUT_AUDIO_TOKENS, Unit.CACHED_INPUT_IMAGE_TOKENS],
]);

describe.each(waysOf("chat", "messages", "gemini"))(
  "$format.name for $dialect, streamed: $stream",
  ({ format, dialect, stream }) => {
    test("whatever the details say, the tokens are as many as the vendor counts, each in one unit", () => {
      fc.assert(
        fc.property(detailed(format), (usage) => {
          const { usage: known } = answered(format, dialect, stream, [usage]);
          const { usage: plain } = answered(format, dialect, stream, [withoutKinds(usage)]);
          const amounts = quantitiesOf(known);
          expect(amounts.every(({ amount }) => amount > 0n)).toBe(true);
          const further = (known.more ?? []).map(({ unit }) => unit);
          expect(further).toEqual([...new Set(further)].sort((a, b) => a - b));
          const input = amounts
            .filter(({ unit }) => inputUnits.has(unit))
            .reduce((sum, { amount }) => sum + amount, 0n);
          expect(input).toBe(inputTokensOf(known));
          if (!plain.estimated) {
            expect(inputTokensOf(known)).toBe(inputTokensOf(plain));
            expect(outputTokensOf(known)).toBe(outputTokensOf(plain));
          }
          expect(inputTokensOf(known)).toBeGreaterThanOrEqual(inputTokensOf(plain));
          expect(outputTokensOf(known)).toBeGreaterThanOrEqual(outputTokensOf(plain));
          expect(known.estimated).toBe(plain.estimated);
        }),
        { numRuns: 40 },
      );
    });
  },
);

/** The usage without the kinds of its tokens, the sums left as they are. */
function withoutKinds(usage: Record<string, unknown>): Record<string, unknown> {
  const bare = structuredClone(usage);
  for (const name of lists) delete bare[name];
  for (const value of Object.values(bare)) {
    if (typeof value !== "object" || value === null) continue;
    const inner = value as Record<string, unknown>;
    for (const kind of ["audio", "image", "video"]) delete inner[`${kind}_tokens`];
    delete inner.cached_tokens_details;
    // A sum of writes that is not there is made of these; the longer life alone changes nothing.
    const { ephemeral_1h_input_tokens: hour, ephemeral_5m_input_tokens: minutes } = inner;
    if (typeof hour === "number" && Number.isInteger(hour) && hour >= 0 && hour <= 1e9) {
      const short =
        typeof minutes === "number" && Number.isInteger(minutes) && minutes >= 0 && minutes <= 1e9 ? minutes : 0;
      inner.ephemeral_5m_input_tokens = short + hour;
      delete inner.ephemeral_1h_input_tokens;
    }
  }
  return bare;
}

/** An answer with fields beside its usage. */
function beside(format: UsageFormat, fields: (usage: unknown) => object): UsageFormat {
  const extended = (data: unknown, usage: unknown) =>
    typeof data === "object" && data !== null && "response" in data
      ? { ...data, response: { ...(data.response as object), ...fields(usage) } }
      : { ...(data as object), ...fields(usage) };
  return {
    ...format,
    whole: (usage) => ({ ...format.whole(usage), ...fields(usage) }),
    stream: (usages) =>
      format
        .stream(usages)
        .map((event) =>
          typeof event.data === "string" ? event : { ...event, data: extended(event.data, usages.at(-1)) },
        ),
  };
}

const usages: Readonly<Record<string, object>> = {
  chat: { prompt_tokens: 10, completion_tokens: 20 },
  completions: { prompt_tokens: 10, completion_tokens: 20 },
  responses: { input_tokens: 10, output_tokens: 20 },
  messages: { input_tokens: 10, output_tokens: 20 },
  gemini: { promptTokenCount: 10, candidatesTokenCount: 20 },
};

describe.each(waysOf("chat", "completions", "responses", "messages", "gemini"))(
  "the tier of $format.name for $dialect, streamed: $stream",
  ({ format, dialect, stream }) => {
    const { name } = format;
    const traitsOf = (said: unknown) => {
      const field = { messages: "service_tier", gemini: "serviceTier" }[name];
      const usage = field === undefined ? usages[name] : { ...usages[name], [field]: said };
      const saying = field === undefined ? beside(format, () => ({ service_tier: said })) : format;
      return answered(saying, dialect, stream, [usage]).usage.traits;
    };

    test.each([
      ...["default", "standard", "auto", "on_demand", "", null, undefined, 7, {}, "a b", "x".repeat(100), "a'; drop"],
    ])("%j is none that prices know", (said) => {
      expect(traitsOf(said)).toBeUndefined();
    });

    test.each(["flex", "priority", "scale", "batch", "ultrafast", "FLEX"])("%s picks a price", (said) => {
      expect(traitsOf(said)).toEqual({ service_tier: said.toLowerCase() });
    });
  },
);

test.each([
  ["ON_DEMAND", undefined],
  ["ON_DEMAND_FLEX", { service_tier: "flex" }],
  ["ON_DEMAND_PRIORITY", { service_tier: "priority" }],
  ["PROVISIONED_THROUGHPUT", { service_tier: "provisioned_throughput" }],
  ["TRAFFIC_TYPE_UNSPECIFIED", undefined],
])("Vertex AI's traffic %s", (trafficType, expected) => {
  for (const { format, dialect, stream } of waysOf("gemini")) {
    expect(answered(format, dialect, stream, [{ ...usages.gemini, trafficType }]).usage.traits).toEqual(expected);
  }
});

test("Anthropic's fast mode picks a price, whatever the tier", () => {
  for (const { format, dialect, stream } of waysOf("messages")) {
    const usage = { ...usages.messages, service_tier: "priority", speed: "fast" };
    expect(answered(format, dialect, stream, [usage]).usage.traits).toEqual({ service_tier: "fast" });
  }
});

test("of several tiers in a stream the last counts, also where it is the standard", () => {
  for (const { format, dialect } of waysOf("chat").filter(({ stream }) => stream)) {
    const tiers = ["priority", "priority", "priority", "default"];
    const said: UsageFormat = {
      ...format,
      stream: (given) =>
        format
          .stream(given)
          .map((event, index) =>
            typeof event.data === "string" ? event : { ...event, data: { ...event.data, service_tier: tiers[index] } },
          ),
    };
    expect(answered(said, dialect, true, [usages.chat]).usage.traits).toBeUndefined();
  }
});

describe.each(waysOf("responses"))("tools of responses, streamed: $stream", ({ format, dialect, stream }) => {
  const search = (type: string | undefined, status = "completed") => ({
    type: "web_search_call",
    status,
    ...(type === undefined ? {} : { action: { type } }),
  });
  const code = (container_id: string) => ({ type: "code_interpreter_call", container_id, status: "completed" });
  const message = { type: "message", content: [{ type: "output_text", text: "x" }] };

  test.each<[string, object, Record<string, number>]>([
    [
      "each call that searches is one",
      { output: [search("search"), search("open_page"), search("find_in_page"), search(undefined), message] },
      { web_searches: 2 },
    ],
    ["one that failed is none", { output: [search("search", "failed"), message] }, {}],
    [
      "what is billed is what the vendor counts",
      { output: [search("search"), search("search"), message], tool_usage: { web_search: { num_requests: 1 } } },
      { web_searches: 1 },
    ],
    [
      "also where it counts none",
      { output: [search("search"), message], tool_usage: { web_search: { num_requests: 0 } } },
      {},
    ],
    [
      "searches of files",
      { output: [{ type: "file_search_call" }, { type: "file_search_call" }, message] },
      { tool_calls: 2 },
    ],
    ["each container once", { output: [code("cntr_1"), code("cntr_1"), code("cntr_2"), message] }, { sessions: 2 }],
    ["one that the request names was opened before", { output: [code("hello"), message] }, {}],
    [
      "images are beside the usage",
      {
        output: [message],
        tool_usage: {
          image_gen: {
            ...{ input_tokens: 50, output_tokens: 400, total_tokens: 450, cached_tokens: 20 },
            input_tokens_details: { image_tokens: 40, text_tokens: 10 },
            output_tokens_details: { image_tokens: 390, text_tokens: 10 },
            cached_tokens_details: { cached_image_tokens: 15, cached_text_tokens: 5 },
          },
        },
      },
      {
        ...{ input_tokens: 15, input_image_tokens: 25, cached_input_tokens: 5, cached_input_image_tokens: 15 },
        ...{ output_tokens: 30, output_image_tokens: 390 },
      },
    ],
    [
      "all of the output is images where nothing tells them apart",
      { output: [message], tool_usage: { image_gen: { input_tokens: 5, output_tokens: 400, total_tokens: 405 } } },
      { input_tokens: 15, output_image_tokens: 400 },
    ],
  ])("%s", (_name, fields, expected) => {
    const { usage } = answered(
      beside(format, () => fields),
      dialect,
      stream,
      [usages.responses],
    );
    expect(charged(usage)).toEqual({ input_tokens: 10, output_tokens: 20, ...expected });
  });
});

describe.each(waysOf("gemini"))("searches of Gemini for $dialect, streamed: $stream", ({ format, dialect, stream }) => {
  const grounded: UsageFormat = {
    ...format,
    whole: (usage) => withQueries(format.whole(usage)),
    stream: (given) =>
      format.stream(given).map((event) => (typeof event.data === "string" ? event : { data: withQueries(event.data) })),
  };
  function withQueries(data: object): object {
    const [candidate] = Reflect.get(data, "candidates") as object[];
    const groundingMetadata = { webSearchQueries: ["a", "", "b", "a", 7, null] };
    return { ...data, candidates: [{ ...candidate, groundingMetadata }] };
  }

  test.each([
    ["gemini-2.5-flash", 1],
    ["gemini-2.0-flash", 1],
    ["gemini-3-flash-preview", 2],
    ["gemini-3.1-pro-preview", 2],
  ])("%s: %i", (model, searches) => {
    const { usage } = answered(grounded, dialect, stream, [usages.gemini], model);
    expect(charged(usage)).toEqual({ input_tokens: 10, output_tokens: 20, web_searches: searches });
  });
});

test("kinds that are told beyond all belief are no more than an answer can have", () => {
  const tokenCount = 1e9;
  const told = Array.from({ length: 3_000 }, () => ({ modality: "AUDIO", tokenCount }));
  for (const { format, dialect, stream } of waysOf("gemini")) {
    const { usage } = answered(format, dialect, stream, [{ promptTokensDetails: told, candidatesTokensDetails: told }]);
    expect(quantitiesOf(usage).every(({ amount }) => amount <= 10n ** 10n)).toBe(true);
  }
});

test.each(waysOf("chat", "messages", "gemini").filter(({ stream }) => stream))(
  "a later usage takes no detail away: $format.name for $dialect",
  ({ format, dialect }) => {
    const full = furtherUsages.find(([, names]) => names.includes(format.name))?.[2] ?? {};
    const expected = charged(answered(format, dialect, true, [full]).usage);
    for (const later of [{}, withoutDetails(full), { ...full, prompt_tokens_details: { audio_tokens: 0 } }]) {
      expect(charged(answered(format, dialect, true, [full, later]).usage)).toEqual(expected);
    }
  },
);

test("a plain usage has no list of further units", () => {
  const [chat] = usageFormats;
  if (chat === undefined) throw new Error("no such format");
  const plain = {
    prompt_tokens: 10,
    completion_tokens: 5,
    prompt_tokens_details: { audio_tokens: 0, cached_tokens: 0 },
    completion_tokens_details: { audio_tokens: 0, reasoning_tokens: 0 },
  };
  const { usage } = answered(chat, "openai.chat", true, [plain]);
  expect(usage.more).toBeUndefined();
  expect(usage.traits).toBeUndefined();
});
