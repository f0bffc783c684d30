import { expect, test } from "vitest";
import { wavHead } from "../../simulator/formats/speech.ts";
import { audioDurationMs } from "./audio-duration.ts";

/** Frames of 128 kbit/s: FF FB 90 64. */
const mp3 = Buffer.from([0xff, 0xfb, 0x90, 0x64]);
/** An ID3 tag of 20 bytes, header included. */
const tagged = Buffer.concat([Buffer.from([0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, 10]), Buffer.alloc(10), mp3]);

test.each([
  ["PCM, by its rate", "audio/pcm", Buffer.alloc(0), 96_000, 2_000],
  ["WAV, by its header", "audio/wav", wavHead(48_000), 48_044, 1_000],
  ["WAV without a rate", "audio/wav", wavHead(0).fill(0, 28, 32), 48_044, undefined],
  ["MP3, by its first frame", "audio/mpeg", mp3, 16_000, 1_000],
  ["MP3 behind a tag", "audio/mpeg", tagged, 16_000, 1_000],
  ["MP3 of a rate that is not allowed", "audio/mpeg", Buffer.from([0xff, 0xfb, 0xf0, 0x64]), 16_000, undefined],
  ["what is no audio", "audio/mpeg", Buffer.from("hello, world, hello"), 16_000, undefined],
  ["nothing", "audio/mpeg", Buffer.alloc(0), 0, undefined],
])("%s", (_name, type, first, bytes, expected) => {
  expect(audioDurationMs(type, first, bytes)).toBe(expected);
});
