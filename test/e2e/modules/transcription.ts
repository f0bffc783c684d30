import { createHash } from "node:crypto";
import { readdirSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { createOpenAI } from "@ai-sdk/openai";
import { transcribe } from "ai";
import OpenAI from "openai";
import { beforeAll, expect, test } from "vitest";
import { parseForm, type SimulatedForm } from "../../../services/simulator/formats/audio.ts";
import { statement } from "../../../shared/db/index.ts";
import { hasPython, python } from "../../conformance/python.ts";
import { eventually } from "../deployment.ts";
import type { ModulesHouse } from "./house.ts";

/* Uploads: as the official SDK sends them, charged alike in every format, held by no process for long. */

const ledgerOf = statement(
  "transcription_ledger",
  "select amount, reason from billing.ledger where entry_id = $1 and kind = 1",
);
const audio = Buffer.alloc(2_500_000, "audio of no format. ");
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const model = "audio/sim-plain";

const transcribesInPython = `
import sys
from openai import OpenAI
url, key = sys.argv[1:]
client = OpenAI(api_key=key, base_url=url, max_retries=0)
file = ("speech.mp3", b"audio of no format. " * 5000)
model = "audio/sim-plain"
for format in ("json", "text", "srt", "verbose_json", "vtt"):
    answer = client.audio.transcriptions.create(model=model, file=file, response_format=format)
    text = answer if isinstance(answer, str) else answer.text
    assert "100000 bytes" in text.replace("\\n", " "), text
    assert isinstance(answer, str) == (format in ("text", "srt", "vtt"))
words = client.audio.transcriptions.create(
    model=model, file=file, response_format="verbose_json", timestamp_granularities=["word", "segment"])
assert words.words[0].word == "This" and len(words.segments) > 1
types = [event.type for event in client.audio.transcriptions.create(model=model, file=file, stream=True)]
assert types[0] == "transcript.text.delta" and types[-1] == "transcript.text.done"
assert "translation" in client.audio.translations.create(model=model, file=file).text
`;
const hasOpenAi = await hasPython("openai");
const uploads = { count: 4, bytes: 10 * 1024 * 1024 };

/** The tests of a deployment. */
export function testTranscription(houseOf: () => ModulesHouse): void {
  let house: ModulesHouse;
  let openai: OpenAI;
  beforeAll(() => {
    house = houseOf();
    openai = new OpenAI({ apiKey: house.key, baseURL: `${house.url}/v1`, maxRetries: 0 });
  });

  const file = (bytes: Buffer = audio) => OpenAI.toFile(bytes, "speech.mp3");

  async function charged(id: string) {
    return eventually(async () => {
      const [row] = await house.db.query<{ amount: bigint; reason: string }>(ledgerOf, [BigInt(id)]);
      return row;
    });
  }

  async function record(id: string) {
    return eventually(async () => {
      const found = (await (await house.call(`/v1/requests/${id}`)).json()) as Record<string, unknown>;
      return found.status === "succeeded" || found.status === "failed" ? found : undefined;
    });
  }

  const received = (id: string) => {
    const request = house.simulator.requests.find(({ clientRequestId }) => clientRequestId === id);
    const { form } = parseForm(request?.body ?? Buffer.alloc(0), request?.headers["content-type"] ?? "") as unknown as {
      form: SimulatedForm;
    };
    return { file: sha256(form.files.get("file") ?? Buffer.alloc(0)), texts: form.texts };
  };

  test("every format says what was heard, costs the same, and is on the record without its bytes", async () => {
    const amounts = new Set<bigint>();
    for (const format of ["json", "text", "srt", "verbose_json", "vtt"] as const) {
      const { data, response } = await openai.audio.transcriptions
        .create({ file: await file(), model, response_format: format })
        .withResponse();
      const id = response.headers.get("x-request-id") ?? "";
      expect(JSON.stringify(data)).toContain(`${audio.length} bytes`);
      expect(typeof data).toBe(["text", "srt", "vtt"].includes(format) ? "string" : "object");
      expect(received(id).file).toBe(sha256(audio));
      const { amount, reason } = await charged(id);
      expect(reason).toBe("usage");
      amounts.add(amount);
      const kept = JSON.stringify(await record(id));
      expect(kept).toContain(sha256(audio));
      expect(kept).toContain(`${audio.length} bytes`);
      expect(kept).not.toContain("audio of no format");
    }
    expect(amounts.size).toBe(1);
    expect([...amounts][0]).toBeLessThan(0n);
  });

  test("file first or last, streamed, and translated", async () => {
    const stream = await openai.audio.transcriptions.create({ model, file: await file(), stream: true });
    const events: string[] = [];
    for await (const { type } of stream) events.push(type);
    expect(events.at(-1)).toBe("transcript.text.done");
    expect(events.length).toBeGreaterThan(2);
    const { text } = await openai.audio.translations.create({ file: await file(), model });
    expect(text).toContain("translation is simulated");
  });

  test("AI SDK: transcribe", async () => {
    const provider = createOpenAI({ baseURL: `${house.url}/v1`, apiKey: house.key });
    for (const name of ["whisper-1", "gpt-4o-transcribe"]) {
      const { text } = await transcribe({ model: provider.transcription(name), audio, maxRetries: 0 });
      expect(text).toContain(`${audio.length} bytes`);
    }
  });

  test.runIf(hasOpenAi)("openai for Python, where it is installed", async () => {
    await python(transcribesInPython, `${house.url}/v1`, house.key);
  });

  test("an upstream's refusal and a break in the middle are told with the ID", async () => {
    for (const [name, status] of [
      ["sim-status-400", 400],
      ["sim-status-500", 502],
      ["sim-drop-stream", 502],
    ] as const) {
      const failure = await openai.audio.transcriptions
        .create({ file: await file(), model: `audio/${name}` })
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ status, error: { request_id: expect.stringMatching(/^\d+$/) } });
      const id = (failure as { error: { request_id: string } }).error.request_id;
      expect(await record(id)).toMatchObject({ status: "failed" });
    }
  });

  test("a repeat with its Idempotency-Key gets the first answer, another file is refused", async () => {
    const headers = { "idempotency-key": "upload-once" };
    const first = await openai.audio.transcriptions.create({ file: await file(), model }, { headers }).withResponse();
    const again = await openai.audio.transcriptions.create({ file: await file(), model }, { headers }).withResponse();
    expect(again.response.headers.get("idempotent-replayed")).toBe("true");
    expect(again.data).toEqual(first.data);
    const other = openai.audio.transcriptions.create({ file: await file(audio.subarray(1)), model }, { headers });
    await expect(other).rejects.toMatchObject({ status: 422 });
  });

  test("large uploads at once arrive whole, at the pace of a slow upstream, and leave nothing", async () => {
    const large = Array.from({ length: uploads.count }, (_, index) => Buffer.alloc(uploads.bytes, `large ${index}. `));
    await Promise.all(
      large.map(async (bytes) => {
        const { response } = await openai.audio.transcriptions
          .create({ model: "audio/sim-slow-read-1", file: await file(bytes) })
          .withResponse();
        expect(received(response.headers.get("x-request-id") ?? "").file).toBe(sha256(bytes));
      }),
    );
    expect(readdirSync(house.spool)).toEqual([]);
  });

  test("a process that is killed leaves no file", async () => {
    const head = `POST /v1/audio/transcriptions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${house.key}\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 9000000\r\n\r\n`;
    const { port } = new URL(house.url);
    const socket = connect(Number(port), "127.0.0.1").on("error", () => {});
    socket.write(`${head}--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n`);
    socket.write(Buffer.alloc(3_000_000));
    const pid = house.pid("gateway");
    await eventually(async () => (spooled(pid) === 1 ? true : undefined));
    process.kill(pid, "SIGKILL");
    expect(readdirSync(house.spool)).toEqual([]);
    socket.destroy();
  });

  /** Uploads that a process has open. */
  function spooled(pid: number): number {
    const maps = readdirSync(`/proc/${pid}/fd`).filter((descriptor) => linkOf(pid, descriptor).startsWith(house.spool));
    return maps.length;
  }
}

function linkOf(pid: number, descriptor: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return "";
  }
}
