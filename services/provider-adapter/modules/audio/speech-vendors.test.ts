import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Unit } from "../../../../shared/gen/throughline/common/v1/common_pb.ts";
import { createSimulator, type Simulator } from "../../../simulator/simulator.ts";
import { startTestProvider, type TestProvider } from "../../testing-provider.ts";

/* Speech of every vendor against the simulator in its style: what is asked of it, what comes of it, and every way to fail. */

const input = "Hello, this is spoken by nobody at all.";
const characters = [...input].length;
/** The simulator speaks a character in this time. */
const spokenMs = characters * 70;

interface Upstream {
  readonly adapter: string;
  readonly base: string;
  readonly flavour?: object;
  /** Formats that it has, the one first that it gives where none was asked for. */
  readonly formats: readonly string[];
  readonly speeds: readonly [least: number, most: number];
  /** A name of its own, and one that it does not have. */
  readonly own: string;
  readonly unknown: string | undefined;
  /** It says by events, or by a whole document, that the answer is complete. */
  readonly streams: boolean;
}

const every = ["mp3", "opus", "aac", "flac", "wav", "pcm"];
const anySpeed = [0.25, 4] as const;
const upstreams: Readonly<Record<string, Upstream>> = {
  openai: {
    adapter: "openai",
    base: "/v1",
    formats: every,
    speeds: anySpeed,
    own: "alloy",
    unknown: undefined,
    streams: true,
  },
  azure: {
    ...{ adapter: "openai", base: "", flavour: { vendor: "azure" }, formats: every, speeds: anySpeed },
    ...{ own: "alloy", unknown: undefined, streams: true },
  },
  elevenlabs: {
    ...{ adapter: "elevenlabs", base: "", formats: ["mp3", "wav", "pcm", "opus"], speeds: [0.7, 1.2] },
    ...{ own: "JBFqnCBsd6RMkjVDRZzb", unknown: "nobody", streams: true },
  },
  minimax: {
    ...{ adapter: "openai", base: "/v1", flavour: { vendor: "minimax" }, formats: ["mp3", "wav", "pcm", "flac"] },
    ...{ speeds: [0.5, 2], own: "English_Graceful_Lady", unknown: "nobody", streams: true },
  },
  dashscope: {
    ...{ adapter: "openai", base: "/compatible-mode/v1", flavour: { vendor: "dashscope" }, formats: ["wav", "pcm"] },
    ...{ speeds: [1, 1], own: "Cherry", unknown: "nobody", streams: true },
  },
  gemini: {
    ...{ adapter: "gemini", base: "/v1beta", formats: ["wav", "pcm"], speeds: [1, 1], own: "Kore" },
    ...{ unknown: "nobody", streams: false },
  },
};
const translated = Object.entries(upstreams).filter(([, { unknown }]) => unknown !== undefined);

const contentTypes: Readonly<Record<string, string>> = {
  ...{ mp3: "audio/mpeg", opus: "audio/ogg", aac: "audio/aac", flac: "audio/flac", wav: "audio/wav", pcm: "audio/pcm" },
};
const byCharacters = { characterNanoUsdPerMchar: 15_000_000_000n, groupRatioPpm: 1_000_000 };

let simulator: Simulator;
let provider: TestProvider;

beforeAll(async () => {
  simulator = await createSimulator({});
  const channels = Object.entries(upstreams).flatMap(([name, { adapter, base, flavour = {} }]) => {
    const channel = { adapter, baseUrl: `${simulator.url}${base}`, flavour };
    return [
      [name, channel],
      // A channel that failed is not asked again at once: what fails has one of its own.
      ...failing.map(([model]) => [`${name}:${model}`, channel]),
    ];
  });
  const voices = { narrator: "Aoede" };
  channels.push(["named", { adapter: "gemini", baseUrl: `${simulator.url}/v1beta`, flavour: { voices } }]);
  provider = await startTestProvider(Object.fromEntries(channels));
});
beforeEach(() => simulator.clear());
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await simulator.close();
});

/** What fails before a byte, and how it is told. */
const failing = [
  ["sim-status-400", "invalid_value"],
  ["sim-status-401", "upstream_error"],
  ["sim-status-404", "upstream_error"],
  ["sim-status-429", "upstream_overloaded"],
  ["sim-status-500", "upstream_error"],
  ["sim-drop-headers", "upstream_error"],
  ["sim-error-in-200", "upstream_error"],
  ["sim-empty", "upstream_error"],
] as const;

function speak(channel: string, more: object = {}, model = "tts-any", prices: object = byCharacters) {
  const isStream = "stream_format" in more && more.stream_format === "sse";
  return provider.invoke({
    dialect: "openai.speech",
    body: { model: "m", voice: "alloy", input, ...(isStream ? { stream: true } : {}), ...more },
    candidates: [{ channel, model, prices }],
  });
}

function eventsIn(text: string) {
  return text
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => JSON.parse(event.replace(/^data: /, "")) as { type: string; audio?: string; usage?: object });
}

const audioOf = (text: string) => Buffer.concat(eventsIn(text).map(({ audio = "" }) => Buffer.from(audio, "base64")));

/** Milliseconds of what came, where its format tells. */
function lengthOf(format: string, bytes: Buffer): number | undefined {
  if (format === "pcm") return bytes.length / 48;
  if (format !== "wav") return undefined;
  expect(bytes.toString("latin1", 0, 4)).toBe("RIFF");
  return (bytes.length - 44) / (bytes.readUInt32LE(28) / 1_000);
}

describe.each(Object.entries(upstreams))("%s", (name, { formats, speeds, own, streams }) => {
  test.each(formats)("%s comes as bytes and as events, the same audio, charged by its characters", async (format) => {
    const plain = await speak(name, { response_format: format });
    expect(plain.error).toBeUndefined();
    expect(plain.contentType).toBe(contentTypes[format]);
    expect(plain.bytes.length).toBeGreaterThan(100);
    const ms = lengthOf(format, plain.bytes);
    if (ms !== undefined) expect(ms).toBeCloseTo(spokenMs, -1);
    const events = await speak(name, { response_format: format, stream_format: "sse" });
    expect([events.error, events.contentType]).toEqual([undefined, "text/event-stream; charset=utf-8"]);
    expect(eventsIn(events.text).at(-1)).toMatchObject({ type: "speech.audio.done", usage: expect.any(Object) });
    expect(audioOf(events.text).equals(plain.bytes)).toBe(true);
    for (const { outcome } of [plain, events]) {
      expect(outcome.usage).toMatchObject({ characters: BigInt(characters) });
      const kept = JSON.parse(Buffer.from(outcome.response).toString());
      expect(kept).toMatchObject({ object: "audio", content_type: contentTypes[format], bytes: plain.bytes.length });
      expect(kept.sha256).toBe(createHash("sha256").update(plain.bytes).digest("hex"));
      expect(outcome.attempts[0]?.upstreamRequestId).toMatch(/^req_sim_/);
    }
  });

  test("a voice of its own and its speeds go on, and without a format it gives what it has", async () => {
    for (const speed of new Set([...speeds, 1])) {
      const { error, contentType, outcome } = await speak(name, { voice: own, speed });
      expect([error, contentType]).toEqual([undefined, contentTypes[formats[0] ?? ""]]);
      expect(outcome.notes.join()).toContain(formats[0] === "mp3" ? "" : `the answer is ${formats[0]}`);
    }
    expect(JSON.stringify(simulator.requests.map(({ body, path }) => `${path} ${body}`))).toContain(own);
  });

  test("tokens and length are counted by us where the upstream does not count them", async () => {
    const rates = [{ unit: Unit.OUTPUT_AUDIO_TOKENS, nanoUsd: 12_000_000_000n }];
    const prices = { inputNanoUsdPerMtok: 600_000_000n, rates, groupRatioPpm: 1_000_000 };
    const { outcome } = await speak(name, { response_format: "wav" }, "sim-no-usage", prices);
    expect(outcome.usage).toMatchObject({ estimated: true });
    expect(outcome.usage?.inputTokens).toBeGreaterThan(0n);
    const tokens = outcome.usage?.more.find(({ unit }) => unit === Unit.OUTPUT_AUDIO_TOKENS)?.amount ?? 0n;
    expect(Number(tokens)).toBeCloseTo((spokenMs / 60_000) * 1_250, -1);
  });

  test.each(failing)("%s before the first byte is told as %s, and nothing is charged", async (model, code) => {
    for (const more of [{}, { stream_format: "sse" }]) {
      const { error, outcome, bytes } = await speak(`${name}:${model}`, { response_format: "wav", ...more }, model);
      expect([error?.code, bytes.length]).toEqual([code, 0]);
      expect([outcome.firstByte, outcome.usage]).toEqual([false, undefined]);
    }
  });

  test.runIf(streams).each(["sim-drop-stream", "sim-hang-stream"])(
    "%s after the first byte is charged in full and told",
    async (model) => {
      for (const more of [{}, { stream_format: "sse" }]) {
        let cancelled = false;
        const { outcome, error, bytes } = await provider.invoke({
          dialect: "openai.speech",
          body: { model: "m", voice: "alloy", input, response_format: "pcm", ...more, stream: "stream_format" in more },
          candidates: [{ channel: name, model: `${model}+large-400`, prices: byCharacters }],
          onFrame(_data, cancel) {
            if (!model.includes("hang")) return;
            cancelled = true;
            cancel();
          },
        });
        expect(bytes.length).toBeGreaterThan(0);
        expect(outcome).toMatchObject({ firstByte: true, cancelled });
        expect(outcome.usage).toMatchObject({ characters: BigInt(characters) });
        expect(error?.code).toBe(cancelled ? undefined : "upstream_error");
      }
    },
  );
});

describe.each(translated)("%s", (name, { formats, speeds: [least, most], unknown }) => {
  test.each([
    ["voice", { voice: unknown }],
    ["voice.id", { voice: { id: unknown } }],
    ["response_format", { response_format: every.find((format) => !formats.includes(format)) }],
    ["speed", { speed: least - 0.1 }],
    ["speed", { speed: most + 0.1 }],
  ])("a %s that it does not have is refused with its path, and it is not asked: %j", async (param, more) => {
    const { error, outcome } = await speak(name, more);
    expect(error).toMatchObject({ code: "invalid_value", param });
    expect(outcome.attempts).toEqual([]);
    expect(simulator.requests).toEqual([]);
  });

  test("every voice that OpenAI has stands for one of its own", async () => {
    for (const voice of ["alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer"]) {
      expect((await speak(name, { voice })).error).toBeUndefined();
    }
    for (const voice of ["verse", "marin", "cedar", "Alloy"]) {
      expect((await speak(name, { voice })).error).toBeUndefined();
    }
  });
});

test("a voice that only the vendor knows not to be there is the client's to change, even told with status 200", async () => {
  const { error, outcome } = await speak("minimax", { voice: "nobody-of-mine" });
  expect(error).toMatchObject({ code: "invalid_value", param: "voice" });
  expect([outcome.firstByte, outcome.usage]).toEqual([false, undefined]);
  const ours = await speak("elevenlabs", { voice: "21m00Tcm4TlvDq8ikWAM" });
  expect(ours.error).toBeUndefined();
});

test("a channel may name voices of its own", async () => {
  expect((await speak("named", { voice: "narrator" })).error).toBeUndefined();
  expect(simulator.requests.at(-1)?.body.toString()).toContain('"voiceName":"Aoede"');
});

test("instructions go on where the vendor follows them, else they are noted", async () => {
  const instructions = "Speak slowly";
  await speak("gemini", { instructions });
  expect(simulator.requests.at(-1)?.body.toString()).toContain(`${instructions}: ${input}`);
  await speak("dashscope", { instructions }, "qwen3-tts-instruct-flash");
  expect(simulator.requests.at(-1)?.body.toString()).toContain(`"instructions":"${instructions}"`);
  for (const channel of ["elevenlabs", "minimax", "dashscope"]) {
    const { outcome } = await speak(channel, { instructions, pitch: 3 });
    expect(outcome.notes.join()).toMatch(/instructions dropped/);
    expect(outcome.notes.join()).toMatch(/pitch dropped/);
  }
});

test("what one channel cannot say goes to the next that can", async () => {
  const { error, outcome, contentType } = await provider.invoke({
    dialect: "openai.speech",
    body: { model: "m", voice: "alloy", input, response_format: "opus" },
    candidates: [
      { channel: "gemini", model: "tts" },
      { channel: "elevenlabs", model: "tts" },
    ],
  });
  expect([error, outcome.candidate, contentType]).toEqual([undefined, 1, "audio/ogg"]);
});

test("a stream of events that ends before it says so is broken off, as is an answer that is no audio", async () => {
  for (const channel of ["minimax", "dashscope"]) {
    const { error, outcome } = await speak(channel, { response_format: "pcm" }, "sim-no-done");
    expect(error?.code).toBe("upstream_error");
    expect(outcome).toMatchObject({ firstByte: true, usage: { characters: BigInt(characters) } });
  }
  const filtered = await speak("gemini", {}, "sim-content-filter");
  expect(filtered.error).toMatchObject({ code: "invalid_value", param: "input" });
});
