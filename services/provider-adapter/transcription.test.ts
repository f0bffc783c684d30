import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type PricingSchema, Unit } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import { parseForm, type SimulatedForm } from "../simulator/formats/audio.ts";
import { createSimulator, type Simulator } from "../simulator/simulator.ts";
import { startTestProvider, type TestProvider } from "./testing-provider.ts";
import { type TranscriptionGiven, transcribeBy } from "./testing-transcription.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const audio = Buffer.alloc(400_000, "audio of no format. ");
const bySecond = { audioSecondNanoUsd: 100_000n };
const byToken = { inputNanoUsdPerMtok: 1_000_000n, outputNanoUsdPerMtok: 1_000_000n };

let simulator: Simulator;
let provider: TestProvider;

beforeAll(async () => {
  simulator = await createSimulator({});
  const one = { adapter: "openai", baseUrl: `${simulator.url}/v1` };
  provider = await startTestProvider({
    one,
    two: one,
    refused: { adapter: "openai", baseUrl: "http://127.0.0.1:1/v1" },
  });
});

beforeEach(() => simulator.clear());

afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await simulator.close();
});

const transcribe = (given: TranscriptionGiven = {}) => transcribeBy(provider, audio, given);

/** The forms that the simulator got, with the digests of their files. */
function received() {
  return simulator.requests.map(({ body, headers, path }) => {
    const { form } = parseForm(body, headers["content-type"] ?? "") as unknown as { form: SimulatedForm };
    const file = form.files.get("file") ?? Buffer.alloc(0);
    return { path, length: headers["content-length"], bytes: body.length, texts: form.texts, digest: sha256(file) };
  });
}

describe("a form goes upstream", () => {
  test.each([true, false])(
    "anew, with its length, its order and its file as they were (file first: %s)",
    async (fileFirst) => {
      const fields = { prompt: 'with "quotes"', "timestamp_granularities[]": "word", response_format: "verbose_json" };
      const { text, contentType } = await transcribe({ fields, fileFirst });
      expect(contentType).toBe("application/json");
      expect(JSON.parse(text)).toMatchObject({
        text: expect.stringContaining("400000 bytes"),
        words: expect.any(Array),
      });
      const [request] = received();
      expect(request).toMatchObject({ path: "/v1/audio/transcriptions", digest: sha256(audio) });
      expect(request?.length).toBe(String(request?.bytes));
      expect([...(request?.texts ?? [])]).toEqual([
        ["model", ["gpt-4o-transcribe"]],
        ["prompt", ['with "quotes"']],
        ["timestamp_granularities[]", ["word"]],
        ["response_format", ["verbose_json"]],
      ]);
      const body = simulator.requests[0]?.body.toString("latin1") ?? "";
      expect(body.indexOf('name="file"') < body.indexOf('name="model"')).toBe(fileFirst);
      expect(Buffer.from(body, "latin1").toString()).toContain('filename="an %22odd%22 näme.mp3"');
    },
  );

  test("to the next candidate with the same bytes", async () => {
    const candidates = [
      { channel: "refused", model: "x" },
      { channel: "one", model: "sim-status-500" },
      { channel: "two", model: "gpt-4o-transcribe" },
    ];
    const { error, outcome } = await transcribe({ candidates });
    expect(error).toBeUndefined();
    expect(outcome.attempts.map(({ errorCode }) => errorCode)).toEqual(["upstream_error", "upstream_error", ""]);
    const digests = received().map(({ digest }) => digest);
    expect(digests).toEqual([sha256(audio), sha256(audio)]);
  });

  test("of a translation to its own path, and fails with the upstream's own fault", async () => {
    expect((await transcribe({ dialect: "openai.translation" })).error).toBeUndefined();
    expect(received()[0]?.path).toBe("/v1/audio/translations");
    for (const [model, code] of [
      ["sim-status-400", "invalid_value"],
      ["sim-status-401", "upstream_error"],
      ["sim-status-413", "request_too_large"],
      ["sim-status-429", "upstream_overloaded"],
      ["sim-error-in-200", "upstream_error"],
      ["sim-malformed-chunk", "upstream_error"],
      ["sim-empty-body", "upstream_error"],
      ["sim-drop-stream", "upstream_error"],
    ] as const) {
      expect([model, (await transcribe({ candidates: [{ channel: "one", model }] })).error?.code]).toEqual([
        model,
        code,
      ]);
    }
  });

  test("no faster than the upstream reads it", async () => {
    const large = Buffer.alloc(4_000_000, "x");
    const { error, reads } = await transcribe({
      file: large,
      candidates: [{ channel: "one", model: "sim-slow-read-1" }],
    });
    expect(error).toBeUndefined();
    expect(reads).toHaveLength(Math.ceil(large.length / 65_536));
    expect(received()[0]?.digest).toBe(sha256(large));
  });
});

describe("every format is served, and none decides what is paid", () => {
  const priced = async (format: string, model: string, prices: MessageInitShape<typeof PricingSchema>) => {
    const candidates = [{ channel: "one", model }];
    const { text, contentType, outcome, error } = await transcribe({
      fields: { response_format: format },
      candidates,
      prices,
    });
    expect(error).toBeUndefined();
    const { inputTokens, outputTokens, more, estimated } = outcome.usage ?? {};
    return {
      text,
      contentType,
      usage: { inputTokens, outputTokens, more: more?.map(({ unit, amount }) => [unit, amount]), estimated },
      kept: JSON.parse(Buffer.from(outcome.response).toString()),
    };
  };

  test.each(["json", "text", "srt", "verbose_json", "vtt"])("%s", async (format) => {
    const seen = await priced(format, "gpt-4o-transcribe", byToken);
    const reference = await priced("json", "gpt-4o-transcribe", byToken);
    expect(seen.usage).toEqual(reference.usage);
    expect(seen.usage).toMatchObject({ more: [[Unit.INPUT_AUDIO_TOKENS, 1_000n]], estimated: false });
    expect((await priced(format, "sim-audio-seconds", bySecond)).usage).toMatchObject({
      more: [[Unit.INPUT_AUDIO_MS, 100_000n]],
      estimated: false,
    });
    const isText = ["text", "srt", "vtt"].includes(format);
    expect(seen.contentType).toBe(isText ? "text/plain; charset=utf-8" : "application/json");
    expect(seen.kept.text).toContain("400000 bytes");
  });

  test("text, srt and vtt are written as they are read", async () => {
    const texts = await Promise.all(["text", "srt", "vtt"].map((format) => priced(format, "whisper-1", bySecond)));
    const [text, srt, vtt] = texts.map((seen) => seen.text);
    const sentences = [
      "This transcript is simulated by Throughline's test upstream; no model was asked.",
      "The file has 400000 bytes.",
    ];
    expect(text).toBe(`${sentences.join(" ")}\n`);
    expect(srt).toBe(
      `1\n00:00:00,000 --> 00:00:50,000\n${sentences[0]}\n\n2\n00:00:50,000 --> 00:01:40,000\n${sentences[1]}\n`,
    );
    expect(vtt).toBe(
      `WEBVTT\n\n00:00:00.000 --> 00:00:50.000\n${sentences[0]}\n\n00:00:50.000 --> 00:01:40.000\n${sentences[1]}\n`,
    );
  });

  test.each([
    ["tokens, no usage", "sim-no-usage", byToken, [[Unit.INPUT_AUDIO_TOKENS, 1_000n]], true],
    ["seconds, no usage", "sim-no-usage", bySecond, [[Unit.INPUT_AUDIO_MS, 100_000n]], true],
    // The length that a document of subtitles says is as good as usage.
    ["seconds, usage in tokens", "gpt-4o-transcribe", bySecond, [[Unit.INPUT_AUDIO_MS, 100_000n]], expect.any(Boolean)],
    ["tokens, usage in seconds", "sim-audio-seconds", byToken, [[Unit.INPUT_AUDIO_TOKENS, 1_000n]], true],
    ["seconds that cannot be", "sim-audio-seconds+audio-lies", bySecond, [[Unit.INPUT_AUDIO_MS, 100_000n]], true],
    ["nothing", "sim-no-usage", {}, [[Unit.INPUT_AUDIO_MS, 100_000n]], true],
  ])("%s", async (_name, model, prices, more, estimated) => {
    for (const format of ["json", "srt"]) {
      expect((await priced(format, model, prices)).usage).toMatchObject({ more, estimated });
    }
  });
});

describe("a stream", () => {
  const fields = { stream: "true" };

  test.each([
    ["of a model that streams", "gpt-4o-transcribe"],
    ["of a model that knows no streams", "sim-audio-seconds"],
  ])("%s ends with its text and usage", async (_name, model) => {
    const { text, contentType, outcome } = await transcribe({ fields, candidates: [{ channel: "one", model }] });
    expect(contentType).toBe("text/event-stream; charset=utf-8");
    const events = text
      .trim()
      .split("\n\n")
      .map((event) => JSON.parse(event.replace(/^data: /, "")) as { type: string; delta?: string; text?: string });
    const deltas = events.filter(({ type }) => type === "transcript.text.delta").map(({ delta }) => delta);
    expect(events.at(-1)).toMatchObject({ type: "transcript.text.done", text: deltas.join(""), usage: {} });
    expect(outcome.usage?.more).toMatchObject([{ unit: Unit.INPUT_AUDIO_TOKENS, amount: 1_000n }]);
    expect(JSON.parse(Buffer.from(outcome.response).toString())).toMatchObject({ text: deltas.join("") });
  });

  test.each(["sim-drop-stream", "sim-error-in-stream", "sim-malformed-chunk"])(
    "%s is charged for what came",
    async (model) => {
      const { error, outcome, text } = await transcribe({ fields, candidates: [{ channel: "one", model }] });
      expect(error?.code).toBe("upstream_error");
      expect(text).toContain("transcript.text.delta");
      expect(outcome.firstByte).toBe(true);
      expect(outcome.usage).toMatchObject({
        estimated: true,
        more: [{ unit: Unit.INPUT_AUDIO_TOKENS, amount: 1_000n }],
      });
    },
  );

  test("without content goes to the next candidate", async () => {
    const candidates = [
      { channel: "one", model: "sim-empty-body" },
      { channel: "two", model: "gpt-4o-transcribe" },
    ];
    const { error, outcome } = await transcribe({ fields, candidates });
    expect([error, outcome.candidate]).toEqual([undefined, 1]);
  });
});

test("the simulator is what OpenAI's SDK takes for the vendor", async () => {
  const client = new OpenAI({ apiKey: "x", baseURL: `${simulator.url}/v1`, maxRetries: 0 });
  const file = await OpenAI.toFile(audio, "a.mp3");
  const { text } = await client.audio.transcriptions.create({ file, model: "gpt-4o-transcribe" });
  expect(text).toContain("400000 bytes");
});
