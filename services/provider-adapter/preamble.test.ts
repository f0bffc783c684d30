import { createServer, type Server, type ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSimulator, type Simulator } from "../simulator/simulator.ts";
import { upstreamScripts } from "./testing-preambles.ts";
import { startTestProvider, type TestProvider } from "./testing-provider.ts";

/* An answer begins with its content. What only frames it is held back: where it breaks off there, another channel answers. */

/** Ways in which a stream comes to nothing, after what was sent. */
const breaks: Readonly<Record<string, (response: ServerResponse, error: string) => void>> = {
  "an error event": (response, error) => response.end(error),
  "a cut": (response) => response.destroy(),
  silence: () => {},
  "an end without its mark": (response) => response.end(),
};

const bodies: Readonly<Record<string, object>> = {
  "openai.chat": { messages: [{ role: "user", content: "Hi" }] },
  "anthropic.messages": { max_tokens: 50, messages: [{ role: "user", content: "Hi" }] },
  "openai.responses": { input: "Hi" },
  "openai.completions": { prompt: "Hi" },
};

const combinations = Object.entries(upstreamScripts).flatMap(([format, { dialects }]) =>
  dialects.map((dialect) => [dialect, format] as const),
);
/** More than the tests below use of one format and dialect. */
const channelsOfEach = 20;

let simulator: Simulator;
let provider: TestProvider;
let server: Server;
type Play = (response: ServerResponse) => Promise<void>;
const plays = new Map<string, Play>();
const used = new Map<string, number>();

/** A channel of the format that nobody has used, whose upstream answers as told: one that failed is left alone. */
function channelOf(format: string, answer: Play): string {
  const number = used.get(format) ?? 0;
  used.set(format, number + 1);
  const name = `${format}-${number}`;
  plays.set(name, answer);
  return name;
}

function scriptOf(format: string) {
  const script = upstreamScripts[format];
  if (script === undefined) throw new Error(`no format ${format}`);
  return script;
}

/** Writes each text in a read of its own. */
async function say(response: ServerResponse, texts: readonly string[]): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const text of texts) {
    await new Promise((resolve) => response.write(text, resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function ask(dialect: string, first: string) {
  return provider.invoke({
    dialect,
    body: { model: "m", stream: true, ...bodies[dialect] },
    candidates: [
      { channel: first, model: "m" },
      { channel: "second", model: "good" },
    ],
  });
}

beforeAll(async () => {
  simulator = await createSimulator({});
  server = createServer((request, response) => {
    request.resume();
    const [, name = ""] = (request.url ?? "").split("/");
    request.once("end", () => void plays.get(name)?.(response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const channels = Object.entries(upstreamScripts).flatMap(([format, { adapter, flavour, dialects }]) =>
    Array.from({ length: channelsOfEach * dialects.length }, (_, at) => {
      const name = `${format}-${at}`;
      return [name, { adapter, flavour, baseUrl: `http://127.0.0.1:${port}/${name}` }] as const;
    }),
  );
  provider = await startTestProvider(
    { ...Object.fromEntries(channels), second: { adapter: "openai", baseUrl: `${simulator.url}/v1` } },
    { env: { UPSTREAM_CHUNK_TIMEOUT_MS: "300ms", UPSTREAM_FIRST_TOKEN_TIMEOUT_MS: "500ms" } },
  );
});
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
  await simulator.close();
});

describe.concurrent.each(combinations)("%s answered by %s", (dialect, format) => {
  const script = scriptOf(format);

  test("what breaks off before its content was not delivered: the next channel answers alone", async () => {
    await Promise.all(
      Object.entries(breaks).map(async ([name, breakOff]) => {
        const channel = channelOf(format, async (response) => {
          await say(response, script.preamble);
          breakOff(response, script.error);
        });
        const { error, outcome, text } = await ask(dialect, channel);
        expect(error, name).toBeUndefined();
        expect(outcome.attempts.map(({ channel: of, errorCode }) => [of, errorCode === ""], name)).toEqual([
          [channel, false],
          ["second", true],
        ]);
        expect(text, name).not.toMatch(/vendor/);
        expect(text, name).toContain("simulated");
        expect(outcome.usage?.estimated, name).toBe(false);
      }),
    );
  });

  test("frames that go on and on are no first content: the next channel is tried in time", async () => {
    const channel = channelOf(format, async (response) => {
      await say(response, script.preamble);
      const more = setInterval(() => response.write(`: waiting\n\n${script.preamble.at(-1)}`), 100);
      response.once("close", () => clearInterval(more));
    });
    const { error, outcome } = await ask(dialect, channel);
    expect(error).toBeUndefined();
    expect(outcome.attempts.map(({ channel: of, errorCode }) => [of, errorCode])).toEqual([
      [channel, "upstream_timeout"],
      ["second", ""],
    ]);
  });

  test("one piece of content has been delivered, and so has what stood before it", async () => {
    await Promise.all(
      Object.entries(breaks).map(async ([name, breakOff]) => {
        const channel = channelOf(format, async (response) => {
          await say(response, [...script.preamble, script.content.text ?? ""]);
          breakOff(response, script.error);
        });
        const { error, outcome, text } = await ask(dialect, channel);
        expect(error?.httpStatus, name).toBeGreaterThanOrEqual(500);
        expect(outcome.attempts, name).toHaveLength(1);
        expect(outcome.firstByte, name).toBe(true);
        expect(outcome.usage?.inputTokens, name).toBeGreaterThan(0n);
        expect(outcome.usage?.outputTokens, name).toBeGreaterThan(0n);
        expect(text, name).toContain("Hello");
      }),
    );
  });

  test("an answer that ends well without any content is whole", async () => {
    const channel = channelOf(format, async (response) => {
      await say(response, script.preamble);
      response.end(script.end);
    });
    const { error, outcome, text } = await ask(dialect, channel);
    expect(error).toBeUndefined();
    expect(outcome.attempts.map(({ channel: of }) => of)).toEqual([channel]);
    expect(outcome.firstByte).toBe(true);
    expect(text).toMatch(/\[DONE\]|message_stop|response\.completed/);
  });
});

/** Where each kind of content is passed on or has a word of its own. */
const kinds = Object.entries(upstreamScripts).flatMap(([format, { content, dialects }]) =>
  Object.keys(content).flatMap((kind) =>
    dialects.filter((dialect) => dialect !== "openai.completions").map((dialect) => [kind, format, dialect] as const),
  ),
);

test.concurrent.each(kinds)(
  "%s of %s is content to %s: it goes on before the stream has ended",
  async (kind, format, dialect) => {
    const script = scriptOf(format);
    const delivered = Promise.withResolvers<void>();
    const channel = channelOf(format, async (response) => {
      await say(response, [...script.preamble, script.content[kind] ?? ""]);
      await delivered.promise;
      response.end(script.end);
    });
    const { error, outcome, text } = await provider.invoke({
      dialect,
      body: { model: "m", stream: true, ...bodies[dialect] },
      candidates: [{ channel, model: "m" }],
      onFrame: () => delivered.resolve(),
    });
    expect(error).toBeUndefined();
    expect(outcome.attempts).toHaveLength(1);
    expect(text).toContain("Hello");
  },
);

test("a frame that is larger than any frame goes on: what is held is bounded", async () => {
  const script = scriptOf("responses");
  const large = `event: response.created\ndata: ${JSON.stringify({ type: "response.created", response: { id: "r", status: "in_progress", instructions: "x".repeat(1_100_000) } })}\n\n`;
  const channel = channelOf("responses", async (response) => {
    await say(response, [large]);
    response.end(script.error);
  });
  const { outcome, text } = await ask("openai.responses", channel);
  expect(text.length).toBeGreaterThan(1_000_000);
  expect(outcome.attempts).toHaveLength(1);
});
