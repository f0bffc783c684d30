import type { Behaviour } from "../behaviour.ts";
import { deliverBytes, deliverStream } from "../deliver.ts";
import { InvalidRequest, type Route } from "../exchange.ts";
import { stringOf } from "../json.ts";
import { openaiFormat } from "./openai.ts";

/** Time of one character, in milliseconds. */
const msPerCharacter = 70;
/** Bytes a second of 24 kHz, 16 bits, one channel. */
const pcmRate = 48_000;
/** A frame of MPEG-1 layer III at 128 kbit/s and 44.1 kHz. */
const mp3Header = Buffer.from([0xff, 0xfb, 0x90, 0x64]);
const mp3FrameBytes = 417;
const mp3FrameMs = (1_152 / 44_100) * 1_000;
const pieceFrames = 64;

/** POST /v1/audio/speech: repeatable noise of the length that the text would take. */
export const speech: Route = {
  format: openaiFormat,
  readsBody: true,
  answer(exchange, body) {
    const input = stringOf(body.input);
    if (input === "") throw new InvalidRequest("'$.input' is invalid: it must not be empty.", "input");
    const { behaviour } = exchange;
    const sound = soundOf(stringOf(body.response_format) || "mp3", input, behaviour);
    if (body.stream_format !== "sse") return deliverBytes(exchange, openaiFormat, sound);
    const pieces = piecesOf(sound, behaviour.empty === "content").map((piece) =>
      eventOf({ type: "speech.audio.delta", audio: piece.toString("base64") }),
    );
    const { inputTokens, outputTokens } = speechTokens(input);
    const total_tokens = inputTokens + outputTokens;
    const usage = { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens };
    deliverStream(exchange, openaiFormat, {
      contentType: "text/event-stream; charset=utf-8",
      open: [],
      tokens: pieces,
      tokenCount: pieces.length,
      close: [eventOf({ type: "speech.audio.done", ...(behaviour.usage ? { usage } : {}) })],
      done: "",
      malformed: 'data: {"type":"speech.audio\n\n',
      error: eventOf({ error: { message: "The server had an error.", type: "server_error", code: "server_error" } }),
    });
  },
};

/** The sound of a text. Throws for a format that there is not. */
export function soundOf(format: string, input: string, { largeKb }: Behaviour): Sound {
  const make = formats[format];
  if (make === undefined) throw new InvalidRequest(`response_format '${format}' is not supported`, "response_format");
  return make([...input].length * msPerCharacter, largeKb * 1_000);
}

/** All of a sound, in its pieces; of an empty answer none. */
export function piecesOf(sound: Sound, isEmpty = false): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < sound.length && !isEmpty; ) {
    const piece = Buffer.from(sound.piece(at));
    at += piece.length;
    pieces.push(piece);
  }
  return pieces;
}

/** Tokens of a text and of its speech. */
export function speechTokens(input: string): { readonly inputTokens: number; readonly outputTokens: number } {
  return {
    inputTokens: Math.ceil(input.length / 4),
    outputTokens: Math.ceil(([...input].length * msPerCharacter * 1_250) / 60_000),
  };
}

/** Time that a text takes, in milliseconds. */
export function durationOf(input: string): number {
  return [...input].length * msPerCharacter;
}

function eventOf(event: object): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}

/** A sound that is made piece by piece. */
export interface Sound {
  readonly contentType: string;
  readonly length: number;
  piece(at: number): Uint8Array;
}

/** Makers of sound, of a duration or of so many bytes (0: by the duration). */
const formats: Readonly<Record<string, (durationMs: number, bytes: number) => Sound>> = {
  mp3(durationMs, bytes) {
    const frames = Math.max(1, bytes > 0 ? Math.ceil(bytes / mp3FrameBytes) : Math.round(durationMs / mp3FrameMs));
    return {
      contentType: "audio/mpeg",
      length: frames * mp3FrameBytes,
      piece(at) {
        const from = Math.floor(at / mp3FrameBytes);
        const piece = Buffer.alloc(Math.min(pieceFrames, frames - from) * mp3FrameBytes);
        for (let frame = 0; frame * mp3FrameBytes < piece.length; frame += 1) {
          const start = frame * mp3FrameBytes;
          noise(piece.subarray(start, start + mp3FrameBytes), (from + frame) * mp3FrameBytes);
          mp3Header.copy(piece, start);
        }
        return piece;
      },
    };
  },
  pcm(durationMs, bytes) {
    const length = bytes > 0 ? bytes : Math.max(2, Math.round((durationMs * pcmRate) / 2_000) * 2);
    return {
      contentType: "audio/pcm",
      length,
      piece: (at) => noise(Buffer.alloc(Math.min(32_768, length - at)), at),
    };
  },
  opus: marked("audio/ogg", "OggS"),
  aac: marked("audio/aac", "\u00ff\u00f1"),
  flac: marked("audio/flac", "fLaC"),
  wav(durationMs, bytes) {
    const pcm = formats.pcm?.(durationMs, bytes) ?? { contentType: "", length: 0, piece: () => new Uint8Array() };
    const head = wavHead(pcm.length);
    return {
      contentType: "audio/wav",
      length: head.length + pcm.length,
      piece: (at) => (at === 0 ? head : pcm.piece(at - head.length)),
    };
  },
};

/** Bytes that begin as a format does, 8 for each millisecond. */
function marked(contentType: string, mark: string): (durationMs: number, bytes: number) => Sound {
  return (durationMs, bytes) => {
    const length = bytes > 0 ? bytes : Math.max(64, durationMs * 8);
    return {
      contentType,
      length,
      piece(at) {
        const piece = noise(Buffer.alloc(Math.min(16_384, length - at)), at);
        if (at === 0) piece.write(mark, 0, "latin1");
        return piece;
      },
    };
  };
}

/** Bytes that depend on their place alone. */
function noise(bytes: Buffer, from: number): Buffer {
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = (Math.imul(from + at + 1, 0x9e3779b1) >>> 24) & 0x7f;
  return bytes;
}

/** The head of a WAV file: PCM, 24 kHz, 16 bits, one channel. */
export function wavHead(dataBytes: number): Buffer {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0, "latin1");
  head.writeUInt32LE(36 + dataBytes, 4);
  head.write("WAVEfmt ", 8, "latin1");
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(24_000, 24);
  head.writeUInt32LE(pcmRate, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36, "latin1");
  head.writeUInt32LE(dataBytes, 40);
  return head;
}
