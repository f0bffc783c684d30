import fc from "fast-check";
import { expect, test } from "vitest";
import { routedUrl } from "./vendor-paths.ts";

test.each([
  ["/v1/chat/completions?key=a", "/v1/chat/completions?key=a", undefined],
  ["/v1beta/models/gpt-4o:generateContent", "/v1beta/models/generateContent/gpt-4o", undefined],
  ["/v1/models/a%2Fb:generateContent?alt=sse", "/v1beta/models/generateContent/a%2Fb?alt=sse", undefined],
  ["/v1alpha/models/x:embedContent", "/v1beta/models/embedContent/x", undefined],
  [
    "/v1beta/models/deepseek/deepseek-chat:free:streamGenerateContent?key=s%2Dx&alt=sse",
    "/v1beta/models/streamGenerateContent/deepseek/deepseek-chat:free?alt=sse",
    "s-x",
  ],
  ["/v1beta/models?pageSize=2&key=tl", "/v1beta/models?pageSize=2", "tl"],
  ["/v1beta/models/$&:generateContent?k%65y=tl", "/v1beta/models/generateContent/$&", "tl"],
  ["/v1/models?key=tl", "/v1beta/models", "tl"],
  ["/v1/models/gpt-4o", "/v1/models/gpt-4o", undefined],
])("%s", (url, routed, key) => {
  const headers: Record<string, string> = {};
  expect(routedUrl("POST", url, headers)).toBe(routed);
  expect(headers["x-goog-api-key"]).toBe(key);
});

test.each([
  ["/v1/models/llama3:latest", "/v1/models/llama3:latest"],
  ["/v1/models/ft:gpt-4o:org::id", "/v1/models/ft:gpt-4o:org::id"],
  ["/v1beta/models/deepseek/deepseek-chat:free", "/v1beta/models/deepseek/deepseek-chat:free"],
  ["/v1alpha/models/llama3:latest?key=tl", "/v1beta/models/llama3:latest"],
])("a model that is asked after may have a colon in its name: %s", (url, routed) => {
  for (const method of ["GET", "HEAD", "DELETE"]) expect(routedUrl(method, url, {})).toBe(routed);
});

test("a key in an address never stays in it, and never takes the place of one in a header", () => {
  const spelling = fc.constantFrom("key", "k%65y", "%6bey", "ke%79", "%6B%65%79");
  const other = fc.constantFrom("alt=sse", "", "a=b", "keys=1", "=", "&");
  fc.assert(
    fc.property(fc.array(other), spelling, fc.array(other), (before, name, after) => {
      const url = `/v1beta/models/m:generateContent?${[...before, `${name}=secret-1`, ...after].join("&")}`;
      const headers: Record<string, string> = { "x-goog-api-key": "given" };
      expect(routedUrl("POST", url, headers)).not.toContain("secret-1");
      expect(headers["x-goog-api-key"]).toBe("given");
    }),
  );
});
