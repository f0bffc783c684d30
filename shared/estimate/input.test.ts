import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { estimateRequest } from "./input.ts";

const user = (content: unknown) => ({ messages: [{ role: "user", content }] });
const tokens = (content: unknown) => estimateRequest(user(content)).tokens;
const base64 = "A".repeat(4_000_000);

/** A part of a message, and what it is estimated at. */
const parts: readonly [string, unknown, number][] = [
  ["a text", "abcdefgh", 2],
  ["Chinese", "你好吗", 3],
  ["both", "你好 hello", 2 + 2],
  ["a text part", { type: "text", text: "abcdefgh" }, 1 + 1 + 1 + 2],
  ["an image of chat", { type: "image_url", image_url: { url: `data:image/png;base64,${base64}` } }, 1_600],
  ["an image by its address", { type: "image_url", image_url: { url: "https://a.example/b.png" } }, 1_600],
  ["an image at low detail", { type: "image_url", image_url: { url: "https://a.example/b", detail: "low" } }, 85],
  ["an image of messages", { type: "image", source: { type: "base64", media_type: "image/png", data: base64 } }, 1_600],
  ["an image of responses", { type: "input_image", image_url: `data:image/png;base64,${base64}` }, 1_600],
  ["a short sound", { type: "input_audio", input_audio: { data: "AA", format: "mp3" } }, 2_000],
  ["a long sound", { type: "input_audio", input_audio: { data: base64, format: "mp3" } }, 4_000],
  ["a PDF of 3 MB", { type: "document", source: { type: "base64", data: base64 } }, 133_334],
  ["the same in chat", { type: "file", file: { file_data: base64, filename: "a.pdf" } }, 133_334],
  ["the same in responses", { type: "input_file", file_data: base64 }, 133_334],
  ["a PDF of 12 MB", { type: "document", source: { type: "base64", data: base64.repeat(4) } }, 200_000],
  ["a PDF by its address", { type: "input_file", file_url: "https://a.example/b.pdf" }, 2_000],
  ["an upload", { type: "file", file: { file_id: "file-1" } }, 2_000],
  ["base64 data in an unknown part", { data: `data:application/pdf;base64,${base64}` }, 1 + 133_335],
];

test.each(parts)("%s", (_name, part, expected) => {
  expect(tokens(typeof part === "string" ? part : [part])).toBe(4 + expected);
});

describe("estimateRequest", () => {
  it.each<[string, object, number]>([
    ["a prompt", { prompt: "a prompt" }, 2],
    ["a prompt of tokens", { prompt: [1, 2, 3], suffix: "abcd" }, 3 + 1],
    ["one text of responses", { input: "abcd", instructions: "abcdefgh" }, 4 + 1 + 2],
    ["items of responses", { input: [{ role: "user", content: "abcd" }] }, 4 + 1],
    ["a system text", { system: "abcd", messages: [{ role: "user", content: "abcd" }] }, 4 + 1 + 1],
    ["a tool", { messages: [], tools: [{ name: "f", input_schema: { type: "object" } }] }, 1 + 1 + 2 + 1 + 2],
    ["a form of messages", { messages: [], output_config: { effort: "low", format: { type: "abcd" } } }, 2],
    ["a form of responses", { input: "", text: { verbosity: "low", format: { type: "abcd" } } }, 4 + 2],
    ["fields that no model reads", { messages: [], user: "somebody", metadata: { a: "b" } }, 0],
  ])("%s", (_name, body, expected) => {
    expect(estimateRequest(body).tokens).toBe(expected);
  });

  it("finds images and audio wherever they are", () => {
    const image = { type: "image", source: { type: "base64", data: base64 } };
    const found = estimateRequest(user([image, { type: "tool_result", content: [image] }]));
    expect(found).toMatchObject({ images: 2, audio: false });
    expect(found.tokens).toBeLessThan(3_300);
    expect(estimateRequest(user([{ type: "input_audio", input_audio: { data: "AA" } }])).audio).toBe(true);
    const text = { type: "document", source: { type: "text", data: "a".repeat(400_000) } };
    expect(tokens([text])).toBeGreaterThan(100_000);
  });

  it("grows with what is added, whatever it is", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.jsonValue(), (messages, more) => {
        const before = estimateRequest({ messages }).tokens;
        expect(estimateRequest({ messages: [...messages, more], tools: [more] }).tokens).toBeGreaterThan(before);
      }),
    );
  });

  it("tells tokens of images and of audio apart, wherever they are", () => {
    const image = { type: "image", source: { type: "base64", data: base64 } };
    const sound = { type: "input_audio", input_audio: { data: base64, format: "mp3" } };
    const inText = `data:audio/mp3;base64,${base64}`;
    const found = estimateRequest(user([image, sound, { type: "tool_result", content: [image, inText] }]));
    expect(found).toMatchObject({ imageTokens: 2 * 1_600, audioTokens: 2 * 4_000 + 1 });
    expect(found.tokens).toBeGreaterThan(found.imageTokens + found.audioTokens);
    expect(estimateRequest(user("words"))).toMatchObject({ imageTokens: 0, audioTokens: 0 });
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.jsonValue(), fc.constantFrom(image, sound, inText))), (content) => {
        const { tokens, imageTokens, audioTokens } = estimateRequest(user(content));
        expect(imageTokens + audioTokens).toBeLessThanOrEqual(tokens);
      }),
    );
  });

  it("walks any depth", () => {
    let deep: unknown = "x";
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(tokens(deep)).toBe(5);
  });
});
