import fc from "fast-check";
import { expect, test } from "vitest";
import { traitForm } from "../../../../shared/units.ts";
import { type ImageRequest, imageUsage } from "./images.ts";

const request: ImageRequest = { prompt: "a cat", n: 1, size: "auto", quality: "auto" };
const traitsOf = (size: string, quality = "auto") =>
  imageUsage({ prices: undefined }, request, { images: 1, size, quality, usage: undefined }).traits ?? {};

test("the size and quality of images are traits of their usage", () => {
  expect(traitsOf("1024x1536", "high")).toEqual({ size: "1024x1536", quality: "high" });
  expect(traitsOf("auto")).toEqual({});
});

test("whatever an upstream says of them, the usage can be settled", () => {
  const anything = fc.oneof(fc.string({ unit: "binary", maxLength: 100 }), fc.constantFrom("x".repeat(65), "a\0", " "));
  fc.assert(
    fc.property(anything, anything, (size, quality) =>
      Object.values(traitsOf(size, quality)).every((value) => traitForm.test(value)),
    ),
  );
});
