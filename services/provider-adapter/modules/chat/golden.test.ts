import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quantitiesOf } from "../../../../shared/money/usage.ts";
import { unitEntry } from "../../../../shared/units.ts";
import { eventFrame } from "../../../simulator/formats/bedrock-frames.ts";
import { adapters } from "../../adapters/registry.ts";
import type { Asked, Exchange } from "../../domain/exchange.ts";
import { createEventFeed } from "../../wire/event-feed.ts";
import { clientDialects } from "./registry.ts";

/*
 * Golden files: golden/client/<dialect>/ holds requests of clients, golden/upstream/<format>/ answers of upstreams (.json
 * whole, .sse streamed, as vendors send them; .frames the events of a binary stream, one a line, which the test frames); golden/out/<dialect>--<format>/ what becomes of each. A new dialect or
 * format brings its folder of inputs; `vitest -u` writes the rest, to be read before it is committed.
 */

const golden = join(import.meta.dirname, "golden");
/** Formats of upstreams by the adapters that speak them, and the model that is asked of each. */
const formats = [
  { format: "openai.chat", adapter: "openai", flavour: '{"vendor":"openrouter"}', model: "some-model" },
  { format: "openai.responses", adapter: "openai", flavour: '{"chat":false,"responses":true}', model: "gpt-5.4" },
  { format: "anthropic.messages", adapter: "anthropic", flavour: "", model: "claude-sonnet-4-5" },
  { format: "gemini", adapter: "gemini", flavour: "", model: "gemini-2.5-flash" },
  {
    format: "bedrock.converse",
    adapter: "bedrock",
    flavour: '{"region":"us-east-1"}',
    model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  },
] as const;

const moments = { sentUs: 1_000, firstByteUs: 50_000, firstContentUs: 60_000, lastByteUs: 100_000, nowUs: 101_000 };

function exchangeOf(dialect: string, { adapter, flavour, model }: (typeof formats)[number], body: Buffer): Exchange {
  const make = adapters[adapter]?.open(flavour).exchanges[dialect];
  if (make === undefined) throw new Error(`no exchange from ${dialect} to ${adapter}`);
  const asked: Asked = {
    requestId: 767212140985061376n,
    model: "m",
    upstreamModel: model,
    control: "",
    stream: false,
    includeUsage: true,
    body,
    headers: {},
    createdUnixS: 1_700_000_000,
    keepResponse: true,
  };
  return make(asked);
}

function inputs(kind: "client" | "upstream", name: string, ending: string): { name: string; bytes: Buffer }[] {
  const folder = join(golden, kind, name);
  return readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .map((file) => ({ name: file.slice(0, -ending.length), bytes: readFileSync(join(folder, file)) }));
}

/** What a stream comes to, cut at these places. */
function streamed(exchange: Exchange, pieces: readonly Uint8Array[]): { text: string; rest: string } {
  const translation = exchange.stream();
  let text = "";
  const feed = (exchange.framing?.feed ?? createEventFeed)((event) => {
    text += translation.event(event);
  });
  for (const piece of pieces) feed.feed(piece);
  feed.end();
  text += translation.end(moments);
  const { usage, ...facts } = translation.facts();
  const amounts = quantitiesOf(usage).map(({ unit, amount }) => [unitEntry(unit).name, String(amount)]);
  const rest = {
    complete: translation.isComplete(),
    ...facts,
    usage: { ...Object.fromEntries(amounts), ...usage.traits, estimated: usage.estimated },
    chunks: translation.contentChunks(),
    document: JSON.parse(Buffer.from(translation.document(moments).body).toString()),
  };
  return { text, rest: pretty(rest) };
}

/** The streams that upstreams of a format send. */
function streamsOf(format: string): { name: string; bytes: Buffer }[] {
  const framed = inputs("upstream", format, ".frames").map(({ name, bytes }) => {
    const lines = bytes.toString().trimEnd().split("\n");
    const frames = lines.map((line) => {
      const [type = "", said = ""] = line.split(/ (.*)/, 2);
      return eventFrame(type, said);
    });
    return { name, bytes: Buffer.concat(frames) };
  });
  return [...inputs("upstream", format, ".sse"), ...framed];
}

function pretty(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** The least request of a dialect, for reading answers. */
function plainBody(dialect: string): Buffer {
  const asked: Readonly<Record<string, object>> = {
    "openai.responses": { input: "x" },
    "openai.completions": { prompt: "x" },
  };
  const said = asked[dialect] ?? { max_tokens: 100, messages: [{ role: "user", content: "x" }] };
  return Buffer.from(JSON.stringify({ model: "m", ...said }));
}

const directions = clientDialects.flatMap((dialect) => formats.map((format) => ({ dialect: dialect.name, format })));

describe.each(directions)("$dialect to $format.format", ({ dialect, format }) => {
  const out = (file: string) => join(golden, "out", `${dialect}--${format.format}`, file);

  test.each(inputs("client", dialect, ".json"))("request: $name", async ({ name, bytes }) => {
    let shown: unknown;
    try {
      const { message, notes } = exchangeOf(dialect, format, bytes);
      const { path, headers, body } = message;
      shown = { path, headers, notes, body: JSON.parse(Buffer.from(body).toString()) };
    } catch (error) {
      shown = { refused: String(error), param: Reflect.get(Object(error), "param") };
    }
    await expect(pretty(shown)).toMatchFileSnapshot(out(`request-${name}.json`));
  });

  test.each(inputs("upstream", format.format, ".json"))("answer: $name", async ({ name, bytes }) => {
    const { body } = exchangeOf(dialect, format, plainBody(dialect)).whole(bytes, moments);
    await expect(pretty(JSON.parse(Buffer.from(body).toString()))).toMatchFileSnapshot(out(`answer-${name}.json`));
  });

  test.each(streamsOf(format.format))("stream: $name", async ({ name, bytes }) => {
    const { text, rest } = streamed(exchangeOf(dialect, format, plainBody(dialect)), [bytes]);
    await expect(text).toMatchFileSnapshot(out(`stream-${name}.sse`));
    await expect(rest).toMatchFileSnapshot(out(`facts-${name}.json`));
  });

  test("a stream cut anywhere, with any ends of lines, comes to the same", () => {
    const recorded = streamsOf(format.format).map(({ bytes }) => ({
      text: bytes.toString("latin1"),
      whole: streamed(exchangeOf(dialect, format, plainBody(dialect)), [bytes]),
    }));
    const isText = inputs("upstream", format.format, ".sse").length > 0;
    const endings = isText ? ["\n", "\r\n", "\r"] : ["\n"];
    fc.assert(
      fc.property(
        fc.constantFrom(...recorded),
        fc.constantFrom(...endings),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 }),
        ({ text, whole }, ending, cuts) => {
          const bytes = Buffer.from(text.replaceAll("\n", ending), "latin1");
          const places = cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b);
          const pieces = [0, ...places].map((at, index) => bytes.subarray(at, places[index] ?? bytes.length));
          expect(streamed(exchangeOf(dialect, format, plainBody(dialect)), pieces)).toEqual(whole);
        },
      ),
      { numRuns: 60 },
    );
    for (const { text, whole } of recorded) {
      for (const ending of endings) {
        const bytes = Buffer.from(text.replaceAll("\n", ending), "latin1");
        const single = [...bytes].map((_, at) => bytes.subarray(at, at + 1));
        expect(streamed(exchangeOf(dialect, format, plainBody(dialect)), single)).toEqual(whole);
      }
    }
  });
});
