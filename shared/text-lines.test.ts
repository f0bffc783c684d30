import fc from "fast-check";
import { expect, test } from "vitest";
import { textLines } from "./text-lines.ts";

const tooLong = (number: number): Error => new Error(`line ${number}`);

async function linesOf(pieces: readonly Uint8Array[], maxBytes = 1_000): Promise<[number, string][]> {
  const lines: [number, string][] = [];
  async function* given() {
    yield* pieces;
  }
  for await (const { number, bytes } of textLines(given(), maxBytes, tooLong)) lines.push([number, bytes.toString()]);
  return lines;
}

test("lines are the same wherever a text is cut into pieces", async () => {
  const text = fc.array(fc.constantFrom("a", "é", "\n", "\r\n", " ", "\t", "{}"), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(80), { maxLength: 6 }), async (parts, cuts) => {
      const bytes = Buffer.from(parts.join(""));
      const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const pieces = places.slice(1).map((end, i) => bytes.subarray(places[i] ?? 0, end));
      const expected = bytes
        .toString()
        .split("\n")
        .map((line, i): [number, string] => [i + 1, line])
        .filter(([, line]) => line.trim() !== "");
      expect(await linesOf(pieces)).toEqual(expected);
    }),
  );
});

test("a byte order mark is no part of the first line", async () => {
  expect(await linesOf([Buffer.from("\ufeffa\n\ufeffb")])).toEqual([
    [1, "a"],
    [2, "\ufeffb"],
  ]);
});

test("a line that is too long is told by its number before it is in memory", async () => {
  await expect(linesOf([Buffer.from("a\n"), Buffer.alloc(20, "b")], 10)).rejects.toThrow("line 2");
  await expect(linesOf([Buffer.from(`a\n${"b".repeat(20)}\n`)], 10)).rejects.toThrow("line 2");
});
