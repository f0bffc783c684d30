import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { createOpenAI } from "@ai-sdk/openai";
import { generateSpeech } from "ai";
import OpenAI from "openai";
import { beforeAll, expect, test } from "vitest";
import { statement } from "../../../shared/db/index.ts";
import { hasPython, python } from "../../conformance/python.ts";
import { eventually } from "../deployment.ts";
import type { ModulesHouse } from "./house.ts";

/* Speech: bytes and events, as the official SDK asks for them, charged by characters. */

const speaksInPython = `
import sys
from openai import OpenAI
url, key = sys.argv[1:]
client = OpenAI(api_key=key, base_url=url, max_retries=0)
asked = {"model": "speech/sim-plain", "voice": "alloy", "input": "Hello, this is a test."}
plain = client.audio.speech.create(**asked, response_format="wav").content
assert plain[:4] == b"RIFF"
with client.audio.speech.with_streaming_response.create(**asked, response_format="wav") as answer:
    assert b"".join(answer.iter_bytes()) == plain
with client.audio.speech.with_streaming_response.create(**asked, stream_format="sse") as answer:
    assert '"speech.audio.done"' in "".join(answer.iter_text())
`;
const hasOpenAi = await hasPython("openai");
const ledgerOf = statement(
  "speech_ledger",
  "select amount, reason from billing.ledger where entry_id = $1 and kind = 1",
);
const input = "The quick brown fox jumps over the lazy dog.";
/** Nano-USD of a character at $15 a million. */
const perCharacter = 15_000n;

/** The tests of a deployment. */
export function testSpeech(houseOf: () => ModulesHouse): void {
  let house: ModulesHouse;
  let openai: OpenAI;
  beforeAll(() => {
    house = houseOf();
    openai = new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1`, maxRetries: 0 });
  });

  const idOf = (response: Response) => BigInt(response.headers.get("x-request-id") ?? "0");

  async function charged(id: bigint) {
    return eventually(async () => {
      const [row] = await house.db.query<{ amount: bigint; reason: string }>(ledgerOf, [id]);
      return row;
    });
  }

  async function record(id: bigint) {
    return eventually(async () => {
      const response = await house.call(`/v1/requests/${id}`);
      const found = (await response.json()) as { status?: string; [name: string]: unknown };
      return found.status === "succeeded" || found.status === "failed" ? found : undefined;
    });
  }

  /** The row of the history document. */
  async function historyOf(id: bigint) {
    return eventually(async () => {
      const response = await house.call("/bp/ai/ai_request/history/query?page=1&page_size=100");
      const { data } = (await response.json()) as { data: { request_id: string; status: string }[] };
      return data.find((row) => row.request_id === id.toString() && row.status === "succeeded");
    });
  }

  test.each([
    ["mp3", "audio/mpeg"],
    ["wav", "audio/wav"],
    ["pcm", "audio/pcm"],
  ] as const)("%s comes as the upstream sent it, with its type and length", async (format, type) => {
    const response = await openai.audio.speech.create({
      model: "speech/sim-plain",
      voice: "alloy",
      input,
      response_format: format,
    });
    expect(response.headers.get("content-type")).toBe(type);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(Number(response.headers.get("content-length"))).toBe(bytes.length);
    const { amount, reason } = await charged(idOf(response));
    expect({ amount, reason }).toEqual({ amount: -BigInt(input.length) * perCharacter, reason: "usage" });
    const kept = JSON.stringify(await historyOf(idOf(response)));
    expect(kept).toContain(createHash("sha256").update(bytes).digest("hex"));
    expect(kept).toContain('"module":"audio"');
  });

  test("events come as events, and their end has the usage", async () => {
    const response = await openai.audio.speech.create({
      model: "speech/sim-plain",
      voice: "alloy",
      input,
      stream_format: "sse",
    });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const text = await response.text();
    expect(text).toContain('"type":"speech.audio.delta"');
    expect(text).toContain('"type":"speech.audio.done"');
    expect((await charged(idOf(response))).amount).toBe(-BigInt(input.length) * perCharacter);
  });

  test("AI SDK: generateSpeech", async () => {
    const provider = createOpenAI({ baseURL: `${house.url}/v1`, apiKey: house.key });
    const { audio } = await generateSpeech({
      ...{
        model: provider.speech("speech/sim-plain"),
        text: input,
        voice: "alloy",
        outputFormat: "wav",
        maxRetries: 0,
      },
    });
    expect(Buffer.from(audio.uint8Array).toString("latin1", 0, 4)).toBe("RIFF");
  });

  test.runIf(hasOpenAi)("openai for Python, where it is installed", async () => {
    await python(speaksInPython, `${house.url}/v1`, house.key);
  });

  test("a model that does not speak is refused with the endpoint that serves it", async () => {
    const response = await house.call("/v1/audio/speech", { model: "whisper-1", voice: "alloy", input });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { message: string; param: string } };
    expect(error.message).toContain("/v1/audio/transcriptions");
  });

  test("40 MB arrive with the digest that they left with, beside a reader that stalls", async () => {
    const body = JSON.stringify({ model: "speech/sim-large-40000", voice: "alloy", input });
    const options = {
      method: "POST",
      headers: { authorization: `Bearer ${house.key}`, "content-type": "application/json" },
    };
    // Reads nothing: what it holds up is its own.
    const stalled = httpRequest(`${house.url}/v1/audio/speech`, options);
    const begun = new Promise((resolve) => stalled.once("response", resolve));
    stalled.on("error", () => {});
    stalled.end(body);
    await begun;
    const response = await fetch(`${house.url}/v1/audio/speech`, { ...options, body });
    const bytes = Buffer.from(await response.arrayBuffer());
    const direct = await fetch(`${house.simulator.url}/v1/audio/speech`, {
      ...options,
      body: body.replace("speech/", ""),
    });
    const sent = Buffer.from(await direct.arrayBuffer());
    expect(sent.length).toBeGreaterThanOrEqual(40_000_000);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(createHash("sha256").update(sent).digest("hex"));
    stalled.destroy();
  });

  test("one that breaks off after its first byte is cut for the client, charged in full, and told on its record", async () => {
    const response = await fetch(`${house.url}/v1/audio/speech`, {
      method: "POST",
      headers: { authorization: `Bearer ${house.key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "speech/sim-drop-stream+large-2000", voice: "alloy", input }),
    });
    expect(response.status).toBe(200);
    await expect(response.arrayBuffer()).rejects.toThrow();
    expect((await charged(idOf(response))).amount).toBe(-BigInt(input.length) * perCharacter);
    expect(await record(idOf(response))).toMatchObject({ status: "failed" });
  });

  test.each([
    ["speech/sim-status-500", 502],
    ["speech/sim-error-in-200", 502],
    ["speech/sim-empty-body", 502],
  ])("%s fails before its first byte: %d with the ID, nothing charged", async (model, status) => {
    const response = await house.call("/v1/audio/speech", { model, voice: "alloy", input });
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as { error: { request_id: string } };
    expect(error.request_id).toBe(idOf(response).toString());
    const found = await record(idOf(response));
    expect(found).toMatchObject({ status: "failed" });
    expect(await house.db.query(ledgerOf, [idOf(response)])).toEqual([]);
  });

  test.each([
    [{ model: "speech/sim-plain", voice: "alloy" }, "input"],
    [{ model: "speech/sim-plain", voice: "alloy", input: "" }, "input"],
    [{ model: "speech/sim-plain", input }, "voice"],
    [{ model: "speech/sim-plain", voice: "alloy", input, response_format: "midi" }, "response_format"],
    [{ model: "speech/sim-plain", voice: "alloy", input, speed: 9 }, "speed"],
  ])("a body that is not valid is refused with the field's name, and recorded as audio: %j", async (body, param) => {
    const response = await house.call("/v1/audio/speech", body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param } });
    expect(JSON.stringify(await record(idOf(response)))).toContain('"module":"audio"');
  });
}
