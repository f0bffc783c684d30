import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOfDataUrl, isDataUrl } from "./data-url.ts";

test("bytes come out as they went in, in either alphabet, with and without padding, on lines of any length", () => {
  const type = fc.constantFrom("", "image/png", "image/svg+xml", "image/png;charset=utf-8");
  const alphabet = fc.constantFrom<BufferEncoding>("base64", "base64url");
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1 }),
      type,
      alphabet,
      fc.integer({ min: 1, max: 80 }),
      (bytes, of, by, width) => {
        const lines = Buffer.from(bytes)
          .toString(by)
          .replace(new RegExp(`.{${width}}`, "g"), "$&\r\n");
        const url = `data:${of};base64,${lines}`;
        expect(isDataUrl(url)).toBe(true);
        expect(bytesOfDataUrl(url)).toEqual(Buffer.from(bytes));
      },
    ),
  );
});

test.each([
  ["data:image/png;base64,"],
  ["data:image/png;base64,!!!"],
  ["data:image/png;base64,===="],
  ["data:image/png;base64,A"],
  ["data:image/png;base64,AAAA,AAAA"],
  ["data:image/png,AAAA"],
  ["data:,hello"],
  ["data:"],
])("%s has no data", (url) => {
  expect([isDataUrl(url), bytesOfDataUrl(url)]).toEqual([true, undefined]);
});

test.each([["https://example.com/a.png"], ["file-1"], [""], ["base64,AAAA"]])("%s is no data URL", (url) => {
  expect([isDataUrl(url), bytesOfDataUrl(url)]).toEqual([false, undefined]);
});
