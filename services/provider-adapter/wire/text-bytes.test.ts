import fc from "fast-check";
import { expect, test } from "vitest";
import { createTextBytes } from "./text-bytes.ts";

// Lone surrogates too: an upstream's chunk may end in the middle of a pair.
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 600 }),
  fc.array(fc.constantFrom("a", "é", "狐", "\u{1f98a}", "\ud83e"), { maxLength: 700 }).map((parts) => parts.join("")),
);

test("texts become the bytes that they are in UTF-8, and stay them when others follow", () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 60 }), (texts) => {
      const bytes = createTextBytes();
      const all = texts.map((one) => bytes.of(one));
      expect(all.map((bytes) => bytes.toString("hex"))).toEqual(texts.map((one) => Buffer.from(one).toString("hex")));
    }),
  );
});

test("answers have no memory in common, and a text that waits holds little more than itself", () => {
  const [one, other] = [createTextBytes(), createTextBytes()];
  const [a, b, long] = [one.of("a"), other.of("b"), one.of("c".repeat(5_000))];
  expect(a.buffer).not.toBe(b.buffer);
  expect(a.buffer.byteLength).toBeLessThanOrEqual(4_096);
  expect(long.buffer.byteLength).toBe(5_000);
});
