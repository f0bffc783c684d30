import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Unit } from "../../../../shared/gen/throughline/common/v1/common_pb.ts";
import { parseForm, type SimulatedForm } from "../../../simulator/formats/audio.ts";
import { createSimulator, type Simulator } from "../../../simulator/simulator.ts";
import { startTestProvider, type TestProvider } from "../../testing-provider.ts";
import { type TranscriptionGiven, transcribeBy } from "../../testing-transcription.ts";

/* Transcripts of every vendor against the simulator in its style: one client's view of all of them, and every way to fail. */

const audio = Buffer.alloc(400_000, "audio of no format. ");
/** At 4,000 bytes a second, for the simulator and for the gateway. */
const audioMs = 100_000;
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const bySecond = { audioSecondNanoUsd: 100_000n, groupRatioPpm: 1_000_000 };
const byToken = { inputNanoUsdPerMtok: 1_000_000n, outputNanoUsdPerMtok: 1_000_000n, groupRatioPpm: 1_000_000 };
const formats = ["json", "text", "srt", "verbose_json", "vtt"] as const;

interface Upstream {
  readonly adapter: string;
  readonly base: string;
  readonly flavour?: object;
  readonly model?: string;
  /** It tells when what was said. */
  readonly times: boolean;
  /** It tells who spoke. */
  readonly speakers: boolean;
  readonly translates: boolean;
  /** Events come one by one; else the whole text is given as two. */
  readonly streams: boolean;
}

const upstreams: Readonly<Record<string, Upstream>> = {
  openai: { adapter: "openai", base: "/v1", times: true, speakers: true, translates: true, streams: true },
  "openai's text": {
    ...{ adapter: "openai", base: "/v1", flavour: { vendor: "openai" }, model: "gpt-4o-transcribe" },
    ...{ times: false, speakers: false, translates: true, streams: true },
  },
  "openai's speakers": {
    ...{ adapter: "openai", base: "/v1", flavour: { vendor: "openai" }, model: "gpt-4o-transcribe-diarize" },
    ...{ times: true, speakers: true, translates: true, streams: true },
  },
  azure: {
    ...{ adapter: "openai", base: "", flavour: { vendor: "azure" }, model: "whisper-1" },
    ...{ times: true, speakers: true, translates: true, streams: false },
  },
  compatible: {
    ...{ adapter: "openai", base: "/v1", model: "whisper-large-v3" },
    ...{ times: true, speakers: true, translates: true, streams: false },
  },
  mistral: {
    ...{ adapter: "openai", base: "/mistral/v1", flavour: { vendor: "mistral" } },
    ...{ times: true, speakers: true, translates: false, streams: true },
  },
  openrouter: {
    ...{ adapter: "openai", base: "/openrouter/v1", flavour: { vendor: "openrouter" } },
    ...{ times: false, speakers: false, translates: false, streams: false },
  },
  elevenlabs: {
    ...{ adapter: "elevenlabs", base: "", times: true, speakers: true, translates: false, streams: false },
  },
};

/** What fails, and how it is told. */
const failing = [
  ["sim-status-400", "invalid_value"],
  ["sim-status-401", "upstream_error"],
  ["sim-status-413", "request_too_large"],
  ["sim-status-429", "upstream_overloaded"],
  ["sim-status-500", "upstream_error"],
  ["sim-error-in-200", "upstream_error"],
  ["sim-malformed-chunk", "upstream_error"],
  ["sim-empty-body", "upstream_error"],
  ["sim-drop-headers", "upstream_error"],
  ["sim-drop-stream", "upstream_error"],
] as const;

let simulator: Simulator;
let provider: TestProvider;

beforeAll(async () => {
  simulator = await createSimulator({});
  const channels = Object.entries(upstreams).flatMap(([name, { adapter, base, flavour = {} }]) => {
    const channel = { adapter, baseUrl: `${simulator.url}${base}`, flavour };
    // A channel that failed is not asked again at once: what fails has one of its own.
    return [[name, channel], ...failing.map(([model]) => [`${name}:${model}`, channel])];
  });
  provider = await startTestProvider(Object.fromEntries(channels));
});
beforeEach(() => simulator.clear());
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await simulator.close();
});

const transcribe = (name: string, given: TranscriptionGiven = {}, model = upstreams[name]?.model ?? "any") =>
  transcribeBy(provider, audio, { candidates: [{ channel: name, model }], filename: "a.mp3", ...given });

/** What the simulator got: the file, and the fields of the form. */
function received() {
  const [request] = simulator.requests;
  const type = request?.headers["content-type"] ?? "";
  const body = request?.body ?? Buffer.alloc(0);
  if (type.startsWith("application/json")) {
    const { input_audio: given, ...fields } = JSON.parse(body.toString());
    return { file: Buffer.from(given.data, "base64"), fields: { ...fields, format: given.format } };
  }
  const { form } = parseForm(body, type) as unknown as { form: SimulatedForm };
  return { file: form.files.get("file") ?? Buffer.alloc(0), fields: Object.fromEntries(form.texts) };
}

/** A text without what subtitles put around it. */
function saidIn(text: string): string {
  const bare = text.replaceAll(/^\d+\n(?=\d\d:\d\d)/gm, "").replaceAll(/^.*-->.*$/gm, "");
  return bare.replaceAll(/\s+/g, " ");
}

describe.each(Object.entries(upstreams))("%s", (name, { times, speakers, translates, streams }) => {
  test.each(formats)("%s says what was heard, and costs what the others do", async (format) => {
    const { text, contentType, outcome, error } = await transcribe(name, {
      fields: { response_format: format, language: "en", prompt: "a prompt" },
      prices: bySecond,
    });
    expect(error).toBeUndefined();
    const isText = format === "text" || format === "srt" || format === "vtt";
    expect(contentType).toBe(isText ? "text/plain; charset=utf-8" : "application/json");
    expect(saidIn(text)).toContain("The file has 400000 bytes.");
    expect(sha256(received().file)).toBe(sha256(audio));
    expect(outcome.usage?.more).toMatchObject([{ unit: Unit.INPUT_AUDIO_MS, amount: BigInt(audioMs) }]);
    expect(JSON.parse(Buffer.from(outcome.response).toString()).text).toContain("400000 bytes");
    const cues = text.split("\n").filter((line) => line.includes("-->"));
    if (format === "srt" || format === "vtt") {
      expect(cues.length > 1).toBe(times);
      expect(cues.at(-1)).toMatch(/00:01:(39|40)[.,]\d{3}$/);
    }
    if (format === "verbose_json") {
      expect(JSON.parse(text)).toMatchObject({ task: "transcribe", segments: expect.any(Array) });
      expect(JSON.parse(text).duration).toBeCloseTo(audioMs / 1_000, 0);
      expect(JSON.parse(text).segments.length > 1).toBe(times);
    }
  });

  test("times of words and of segments are told, or refused where it does not know them", async () => {
    for (const wanted of [["segment"], ["word"], ["word", "segment"]]) {
      if (wanted.includes("word") && name === "openai's speakers") continue;
      const fields = { response_format: "verbose_json", "timestamp_granularities[]": wanted };
      const { text, error, outcome } = await transcribe(name, { fields });
      if (!times) {
        expect(error).toMatchObject({ code: "invalid_value", param: "timestamp_granularities" });
        expect(outcome.attempts).toEqual([]);
        continue;
      }
      expect(error).toBeUndefined();
      const { words = [], segments = [] } = JSON.parse(text);
      if (wanted.includes("word")) expect(words[0]).toMatchObject({ word: "This", start: 0 });
      if (wanted.includes("segment"))
        expect(segments[0]).toMatchObject({ start: 0, text: expect.stringMatching(/^This/) });
    }
  });

  test("speakers are told apart, or refused where it does not know them", async () => {
    const { text, error, outcome } = await transcribe(name, { fields: { response_format: "diarized_json" } });
    if (speakers) {
      expect(error).toBeUndefined();
      expect(JSON.parse(text)).toMatchObject({ task: "transcribe", segments: expect.any(Array) });
    } else {
      expect(error).toMatchObject({ code: "invalid_value", param: "response_format" });
      expect(outcome.attempts).toEqual([]);
    }
  });

  test("a translation is made, or refused before it is asked for", async () => {
    const { error, outcome } = await transcribe(name, { dialect: "openai.translation" });
    if (translates) {
      expect(error).toBeUndefined();
      expect(simulator.requests[0]?.path).toContain("/audio/translations");
    } else {
      expect(error).toMatchObject({ code: "invalid_value", param: "model" });
      expect(outcome.attempts).toEqual([]);
    }
  });

  test("a stream has OpenAI's events, and its last one all of the text", async () => {
    const { text, contentType, outcome, error } = await transcribe(name, {
      fields: { stream: "true" },
      prices: bySecond,
    });
    expect([error, contentType]).toEqual([undefined, "text/event-stream; charset=utf-8"]);
    const events = text
      .trim()
      .split("\n\n")
      .map((event) => JSON.parse(event.replace(/^data: /, "")) as { type: string; delta?: string });
    const deltas = events.flatMap(({ delta }) => (delta === undefined ? [] : [delta]));
    expect(events.at(-1)).toMatchObject({ type: "transcript.text.done", text: deltas.join("") });
    expect(deltas.length > 1).toBe(streams);
    expect(outcome.usage?.more).toMatchObject([{ unit: Unit.INPUT_AUDIO_MS, amount: BigInt(audioMs) }]);
  });

  test.each([
    ["seconds, no usage", "sim-no-usage", bySecond, Unit.INPUT_AUDIO_MS, 100_000n],
    ["seconds that cannot be", "sim-audio-lies", bySecond, Unit.INPUT_AUDIO_MS, 100_000n],
    ["tokens, no usage", "sim-no-usage", byToken, Unit.INPUT_AUDIO_TOKENS, 1_000n],
    ["tokens that cannot be", "sim-audio-lies", byToken, Unit.INPUT_AUDIO_TOKENS, expect.any(BigInt)],
  ] as const)("%s: charged by the file's own length", async (_name, model, prices, unit, amount) => {
    for (const format of ["json", "srt"]) {
      const { outcome, error } = await transcribe(name, { fields: { response_format: format }, prices }, model);
      expect(error).toBeUndefined();
      expect(outcome.usage?.more).toMatchObject([{ unit, amount }]);
      expect(outcome.usage?.more[0]?.amount).toBeLessThanOrEqual(100_000n);
    }
  });

  test.each(failing)("%s is told as %s, and nothing is charged", async (model, code) => {
    const channel = `${name}:${model}`;
    const { error, outcome, text } = await transcribe(channel, {}, model);
    expect([error?.code, text]).toEqual([code, ""]);
    expect([outcome.firstByte, outcome.usage]).toEqual([false, undefined]);
  });
});

test("OpenAI's model that tells speakers apart is asked for what it has, and says so where a client wants more", async () => {
  const name = "openai's speakers";
  for (const format of ["srt", "vtt", "verbose_json", "diarized_json"]) {
    simulator.clear();
    expect((await transcribe(name, { fields: { response_format: format } })).error).toBeUndefined();
    expect(received().fields).toMatchObject({ response_format: ["diarized_json"], chunking_strategy: ["auto"] });
  }
  simulator.clear();
  const own = { response_format: "text", "chunking_strategy[type]": "server_vad" };
  expect((await transcribe(name, { fields: own })).error).toBeUndefined();
  expect(received().fields).toMatchObject({ response_format: ["json"], "chunking_strategy[type]": ["server_vad"] });
  expect(received().fields).not.toHaveProperty("chunking_strategy");
  const fields = { response_format: "verbose_json", "timestamp_granularities[]": ["word"] };
  const { error } = await transcribe(name, { fields });
  expect(error).toMatchObject({ code: "invalid_value", param: "timestamp_granularities" });
});

test("each vendor is asked in its own words", async () => {
  const fields = {
    language: "en",
    temperature: "0.2",
    response_format: "srt",
    prompt: "a prompt",
    "keywords[]": ["Throughline", "lane"],
  };
  const asked: Record<string, object> = {};
  const noted: Record<string, string> = {};
  for (const name of ["mistral", "openrouter", "elevenlabs"]) {
    simulator.clear();
    const { outcome } = await transcribe(name, { fields });
    asked[name] = received().fields;
    noted[name] = outcome.notes.join("; ");
  }
  expect(asked).toEqual({
    mistral: {
      model: ["any"],
      temperature: ["0.2"],
      timestamp_granularities: ["segment"],
      context_bias: ["Throughline", "lane"],
    },
    openrouter: { model: "any", language: "en", temperature: 0.2, format: "mp3" },
    elevenlabs: {
      model_id: ["any"],
      language_code: ["en"],
      temperature: ["0.2"],
      timestamps_granularity: ["word"],
      tag_audio_events: ["false"],
    },
  });
  expect(noted.mistral).toMatch(/prompt dropped.*language dropped/);
  expect(noted.openrouter).toMatch(/prompt dropped.*keywords dropped.*srt has one piece/);
  expect(noted.elevenlabs).toMatch(/prompt dropped.*keywords dropped/);
});

test("a cost that the vendor states is on the usage", async () => {
  const { outcome } = await transcribe("openrouter", { prices: bySecond }, "sim-cost-1500");
  expect(outcome.usage?.more).toMatchObject([
    { unit: Unit.INPUT_AUDIO_MS, amount: BigInt(audioMs) },
    { unit: Unit.VENDOR_NANO_USD, amount: 1_500n },
  ]);
});

test("a file in base64 is made as it is read, whatever the sizes of its pieces, and needs a name that tells its format", async () => {
  for (const length of [1, 2, 3, 65_535, 65_536, 65_537, 200_000]) {
    simulator.clear();
    const file = audio.subarray(0, length);
    expect((await transcribe("openrouter", { file })).error).toBeUndefined();
    expect(sha256(received().file)).toBe(sha256(file));
    expect(simulator.requests[0]?.headers["content-length"]).toBe(String(simulator.requests[0]?.body.length));
  }
  const refused = await transcribe("openrouter", { filename: "audio.doc", file: audio });
  // Its type says it too.
  expect(refused.error).toBeUndefined();
});
