import { expect, test } from "vitest";
import { httpUrl } from "./http-url.ts";

test.each([
  ["127.0.0.1", "http://127.0.0.1:8080"],
  ["localhost", "http://localhost:8080"],
  ["::1", "http://[::1]:8080"],
  ["fe80::1", "http://[fe80::1]:8080"],
  ["0.0.0.0", "http://127.0.0.1:8080"],
  ["::", "http://[::1]:8080"],
])("a server on %s is asked at %s", (host, url) => {
  expect(httpUrl(host, 8080)).toBe(url);
  expect(URL.canParse(url)).toBe(true);
});
