import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ConfigError } from "../shared/config.ts";
import { openDataFolder, openSecrets } from "./state.ts";

test("a damaged file of secrets is told by its name, and nothing of what is in it", () => {
  const folder = mkdtempSync(join(tmpdir(), "throughline-state-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const made = openSecrets(folder);
  expect(openSecrets(folder)).toEqual(made);
  const file = join(folder, "secrets.json");
  for (const text of ["", "{", "null", '{"keyPepper": "hidden" "credentialKey"']) {
    writeFileSync(file, text);
    expect(() => openSecrets(folder), text).toThrow(
      `${file} is damaged: restore it from a backup; without it no stored key can be checked`,
    );
  }
});

test("a data folder is made where it is missing; what can be none is told by the variable", () => {
  const folder = mkdtempSync(join(tmpdir(), "throughline-state-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const made = openDataFolder(join(folder, "new", "deep"));
  expect(statSync(made).mode & 0o777).toBe(0o700);
  const file = join(folder, "file");
  writeFileSync(file, "");
  for (const [path, why] of [
    [file, "is no directory"],
    [join(file, "under"), "cannot be written to (ENOTDIR)"],
    // Whoever makes a folder here hears that the one above it is not there, which it is.
    ...(process.platform === "linux" ? [["/proc/nope/deep", "cannot be written to (ENOENT)"] as const] : []),
  ] as const) {
    expect(() => openDataFolder(path)).toThrow(new ConfigError("THROUGHLINE_DATA", `THROUGHLINE_DATA: ${path} ${why}`));
  }
});

test("a folder of a version without a secret of the processes gets one, and keeps the others", () => {
  const folder = mkdtempSync(join(tmpdir(), "throughline-state-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "secrets.json");
  writeFileSync(file, JSON.stringify({ keyPepper: "a pepper", credentialKey: "a key" }));
  const opened = openSecrets(folder);
  expect(opened).toEqual({
    keyPepper: "a pepper",
    credentialKey: "a key",
    grpcSecret: expect.stringMatching(/^.{44}$/),
  });
  expect(openSecrets(folder)).toEqual(opened);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});
