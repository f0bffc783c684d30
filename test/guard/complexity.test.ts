import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Asked, Exchange } from "../../services/provider-adapter/domain/exchange.ts";
import { wholeShapes } from "./shapes/answers.ts";
import { requestShapes } from "./shapes/requests.ts";
import { answerShapes } from "./shapes/streams.ts";
import { createStepCounter, type StepCounter } from "./steps.ts";

/** Size of an input at first; it doubles twice. */
const size = 160;
/** What the second doubling may add, by what the first one added: twice as much, and what sorting takes. */
const mostGrowth = 2.2;

const dialects = ["openai.chat", "anthropic.messages", "openai.responses", "openai.completions"];
const upstreams: readonly (readonly [adapter: string, flavour: string, model: string])[] = [
  ["openai", "{}", "m"],
  ["openai", '{"responses":true,"completions":true}', "m"],
  ["openai", '{"reasoning_back":"always"}', "m"],
  // Turns and thinking have rules there.
  ["openai", '{"vendor":"vllm"}', "mistral-small"],
  ["openai", '{"vendor":"mistral"}', "mistral-small"],
  ["openai", '{"chat":false}', "m"],
  ["anthropic", "{}", "claude-sonnet-4-6"],
  ["bedrock", '{"region":"us-east-1"}', "us.anthropic.claude-sonnet-4-5-20250929-v1:0"],
  ["bedrock", '{"region":"us-east-1"}', "amazon.nova-pro-v1:0"],
  ["vertex", "{}", "claude-sonnet-4-5"],
  ["gemini", "{}", "gemini-2.5-flash"],
  // It takes a subset of OpenAPI's schemas only.
  ["gemini", "{}", "gemini-2.0-flash"],
  ["cohere", "{}", "m"],
  ["voyage", "{}", "m"],
  ["elevenlabs", "{}", "m"],
];
const noLimits = { contextWindowTokens: 0n, maxOutputTokens: 0n };
const moments = { sentUs: 0, firstByteUs: 1, firstContentUs: 1, lastByteUs: 2, nowUs: 3 };

/** What is measured, loaded after the counter has begun. */
async function load() {
  const [
    { adapters },
    { estimateRequest },
    { findCarried },
    chat,
    messages,
    responses,
    embeddings,
    rerank,
    judged,
    speech,
  ] = await Promise.all([
    import("../../services/provider-adapter/adapters/registry.ts"),
    import("../../shared/estimate/input.ts"),
    import("../../services/provider-adapter/remote-images/find-images.ts"),
    import("../../gateway/endpoints/chat/check-chat.ts"),
    import("../../gateway/endpoints/chat/check-messages.ts"),
    import("../../gateway/endpoints/chat/check-responses.ts"),
    import("../../gateway/endpoints/embeddings/check-input.ts"),
    import("../../gateway/endpoints/rerank/rerank-demand.ts"),
    import("../../gateway/endpoints/moderation/moderations.ts"),
    import("../../gateway/endpoints/audio/speech.ts"),
  ]);
  const checks: Readonly<Record<string, (body: never) => void>> = {
    "openai.chat": chat.checkChat,
    "anthropic.messages": (body) => messages.checkMessages(body, {}),
    "openai.responses": responses.checkResponses,
    "jina.rerank": rerank.rerankDemand,
    "openai.moderations": (body) => judged.moderations.read(body, {} as never),
    "openai.speech": (body) => speech.speech.read(body, {} as never).worst(noLimits),
    "openai.embeddings": (body) => embeddings.checkInput(Reflect.get(body, "input")),
  };
  return { adapters, estimateRequest, findCarried, checks };
}

function asked(body: Uint8Array, upstreamModel: string, stream: boolean): Asked {
  return {
    requestId: 7n,
    model: "m",
    upstreamModel,
    control: "",
    stream,
    includeUsage: true,
    body,
    headers: {},
    createdUnixS: 1,
    keepResponse: true,
  };
}

/** A form with a file. Nobody sends it. */
function formOf(fields: readonly { readonly name: string; readonly value: string }[]): NonNullable<Asked["form"]> {
  const file = { filename: "a.mp3", contentType: "audio/mpeg", offset: 0, length: 1_000_000 };
  return {
    parts: [...fields, { name: "file", value: "", file }],
    inputAudioMs: 250_000,
    async *read() {},
  };
}

describe("steps grow at most in proportion to what is sent", () => {
  let counter: StepCounter;
  let loaded: Awaited<ReturnType<typeof load>>;
  beforeAll(async () => {
    counter = await createStepCounter();
    loaded = await load();
  });
  afterAll(() => counter.close());

  async function expectProportion(workOf: (size: number) => () => void): Promise<void> {
    // All that is made only once is made before the counting begins.
    await counter.count(workOf(4));
    const least = await counter.count(workOf(size));
    const twice = await counter.count(workOf(2 * size));
    const fourfold = await counter.count(workOf(4 * size));
    expect(twice - least).toBeGreaterThan(size / 8);
    // By what is added, so that what every request costs does not hide what grows.
    const growth = (fourfold - twice) / (twice - least);
    expect(growth, `${least}, ${twice}, ${fourfold} steps`).toBeLessThan(mostGrowth);
  }

  test.each(requestShapes)("$dialect: $name", async ({ dialect, body }) => {
    await expectProportion((length) => {
      const value = body(length);
      const bytes = Buffer.from(JSON.stringify(value));
      return () => {
        loaded.estimateRequest(value);
        attempt(() => loaded.checks[dialect]?.(value as never));
        loaded.findCarried(value);
        for (const [adapter, flavour, model] of upstreams) {
          const opened = loaded.adapters[adapter]?.open(flavour);
          const ask = asked(bytes, model, false);
          attempt(() => opened?.exchanges[dialect]?.(ask).notes.length);
          attempt(() => opened?.counts?.[dialect]?.(ask));
        }
      };
    });
  });

  test.each(answerShapes)("an answer of $adapter: $name", async ({ adapter, flavour = "{}", events }) => {
    const body = { messages: [{ role: "user", content: "x" }], max_tokens: 9, prompt: "x", input: "x" };
    const bytes = Buffer.from(JSON.stringify(body));
    await expectProportion((length) => {
      const texts = events(length).map((value) => ({ data: JSON.stringify(value), event: Reflect.get(value, "type") }));
      return () => {
        for (const dialect of dialects) {
          const exchange = loaded.adapters[adapter]?.open(flavour).exchanges[dialect]?.(asked(bytes, "m", true));
          if (exchange !== undefined) attempt(() => streamed(exchange, texts));
        }
      };
    });
  });

  test.each(wholeShapes)("an answer of $adapter: $name", async ({ adapter, dialect, request, form, answer }) => {
    await expectProportion((length) => {
      const given = asked(Buffer.from(JSON.stringify(request(length))), "m", false);
      const exchange = loaded.adapters[adapter]
        ?.open("{}")
        .exchanges[dialect]?.(form === undefined ? given : { ...given, form: formOf(form) });
      const body = Buffer.from(JSON.stringify(answer(length)));
      return () => exchange?.whole(body, moments);
    });
  });

  test("the counter sees what is quadratic, in code and in built-in functions", async () => {
    const quadratic: readonly ((list: readonly string[]) => void)[] = [
      (list) => {
        const seen: string[] = [];
        for (const one of list) if (!seen.includes(one)) seen.push(one);
      },
      (list) => {
        let seen: string[] = [];
        for (const one of list) seen = [...seen, one];
      },
      (list) => {
        const seen = new Map<string, number>();
        for (const one of list) {
          seen.set(one, 1);
          for (const _ of seen.values());
        }
      },
      (list) => void list.forEach((_, index) => void list.slice(0, index).join("")),
      (list) => void list.forEach((one) => void list.find((other) => other === `${one}?`)),
    ];
    for (const work of quadratic) {
      const listOf = (length: number) => Array.from({ length }, (_, index) => `n${index}`);
      await expect(expectProportion((length) => () => work(listOf(length)))).rejects.toThrow(/less than/);
    }
  });
});

function attempt(work: () => unknown): void {
  try {
    work();
  } catch {
    // A refusal is an end like any other.
  }
}

function streamed(
  exchange: Exchange,
  events: readonly { readonly data: string; readonly event: string | undefined }[],
) {
  const stream = exchange.stream();
  for (const event of events) stream.event(event);
  stream.isComplete();
  stream.end(moments);
  stream.facts();
  stream.document(moments);
  stream.contentChunks();
}
