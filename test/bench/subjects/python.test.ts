import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { BenchError } from "../bench-error.ts";
import { installed } from "./python.ts";

const wanted = { name: "litellm", extra: "proxy", version: "0.0.0", oldestMinor: 10 };

test.each([
  [undefined, "there is none on the PATH"],
  ["3.9.18", "python3 is 3.9.18"],
  ["2.7.18", "python3 is 2.7.18"],
])("where Python is %s, a sentence says what is needed", async (version, why) => {
  const folder = mkdtempSync(join(tmpdir(), "python-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  if (version !== undefined) {
    writeFileSync(join(folder, "python3"), `#!/bin/sh\necho ${version}\n`);
    chmodSync(join(folder, "python3"), 0o755);
  }
  const found = installed(wanted, () => undefined, folder);
  await expect(found).rejects.toThrow(BenchError);
  await expect(found).rejects.toThrow(
    `litellm needs Python 3.10 or later, and ${why}. Install one, or leave --peer litellm out.`,
  );
});
