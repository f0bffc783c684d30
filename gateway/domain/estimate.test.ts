import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimateInput, reservedInputTokens } from "./estimate.ts";

const user = (content: unknown) => [{ role: "user", content }];
const tokens = (content: unknown) => estimateInput(user(content)).tokens;

describe("estimateInput", () => {
  it("counts a wide character as a token and four others as one, four more a message", () => {
    expect(tokens("")).toBe(4);
    expect(tokens("abcdefgh")).toBe(4 + 2);
    expect(tokens("你好吗")).toBe(4 + 3);
    expect(tokens("你好 hello")).toBe(4 + 2 + 2);
    expect(estimateInput([], "a prompt", [1, 2, 3]).tokens).toBe(2 + 3);
  });

  const base64 = "A".repeat(8_000_000);
  const images: readonly [string, unknown][] = [
    ["chat", { type: "image_url", image_url: { url: `data:image/png;base64,${base64}` } }],
    ["messages", { type: "image", source: { type: "base64", media_type: "image/png", data: base64 } }],
    ["responses", { type: "input_image", image_url: `data:image/png;base64,${base64}` }],
    [
      "a tool's result",
      { type: "tool_result", content: [{ type: "image", source: { type: "base64", data: base64 } }] },
    ],
  ];
  it.each(images)("counts an image of %s by its kind, not by its base64", (_dialect, part) => {
    const estimate = estimateInput(user([part, part]));
    expect(estimate.images).toBe(2);
    expect(estimate.tokens).toBeGreaterThan(3_200);
    expect(estimate.tokens).toBeLessThan(3_300);
  });

  it("counts attachments by their length within bounds, documents of text by their text", () => {
    const pdf = (data: string) => tokens([{ type: "document", source: { type: "base64", data } }]);
    expect(pdf("A")).toBe(4 + 2_000);
    expect(pdf("A".repeat(300_000))).toBe(4 + 10_000);
    expect(pdf(base64)).toBe(4 + 200_000);
    expect(tokens([{ type: "input_file", file_url: "https://a.example/b.pdf" }])).toBe(4 + 2_000);
    expect(tokens([{ type: "document", source: { type: "text", data: "a".repeat(400_000) } }])).toBeGreaterThan(
      100_000,
    );
    expect(estimateInput(user([{ type: "input_audio", input_audio: { data: "AA" } }]))).toMatchObject({ audio: true });
  });

  it("grows with what is added, whatever it is, and reserves more than it estimates", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.jsonValue(), (messages, more) => {
        const before = estimateInput(messages).tokens;
        const after = estimateInput([...messages, more], more).tokens;
        expect(after).toBeGreaterThan(before);
        expect(reservedInputTokens(after)).toBeGreaterThanOrEqual(Math.max(16, after));
      }),
    );
  });

  it("walks any depth", () => {
    let deep: unknown = "x";
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(tokens(deep)).toBe(5);
  });
});
