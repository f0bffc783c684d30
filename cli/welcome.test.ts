import { expect, test } from "vitest";
import { welcome } from "./welcome.ts";

const made = "tl-made-just-now";

test("a key is shown when it is made, and at no other start", () => {
  const first = welcome("http://x", { made, given: false, adminKeyFile: "/data/admin-key" }, ["simulator"], "gpt-4o");
  expect(first.match(/tl-made-just-now/g)).toHaveLength(2);
  expect(first).toContain("Admin key  kept in /data/admin-key\n");
  const second = welcome("http://x", { made: undefined, given: false, adminKeyFile: "/data/admin-key" }, [], "m");
  expect(second).toMatch(/API key {4}\(shown at the first start; make another with: .*\)\n/);
  expect(second).toContain("Bearer $THROUGHLINE_KEY");
  expect(second).toContain('{"model": "m", ');
});

test("keys of the environment are named by their variables", () => {
  const text = welcome("http://x", { made: undefined, given: true, adminKeyFile: undefined }, [], "m");
  expect(text).toContain("API key    that of THROUGHLINE_BOOTSTRAP_KEY\n  Admin key  that of THROUGHLINE_ADMIN_KEY\n");
  expect(text).toContain("Bearer $THROUGHLINE_BOOTSTRAP_KEY");
});
