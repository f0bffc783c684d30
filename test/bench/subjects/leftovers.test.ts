import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { claim, clearAway, folderPrefix } from "./leftovers.ts";

test("folders of benches that were killed go; those of running ones, young ones and others' stay", async () => {
  const within = mkdtempSync(join(tmpdir(), "leftovers-"));
  onTestFinished(() => rmSync(within, { recursive: true }));
  const make = (name: string, owner?: string): string => {
    const folder = join(within, name);
    mkdirSync(folder);
    writeFileSync(join(folder, "data"), "");
    if (owner !== undefined) writeFileSync(join(folder, "owner"), owner);
    return folder;
  };
  await claim(make(`${folderPrefix}running`));
  make(`${folderPrefix}young`);
  make("somebody-else", "1 1");
  make(`${folderPrefix}killed`, `${2 ** 22 + 1} 17`);
  // The number of its process is another one's by now.
  make(`${folderPrefix}killed-long-ago`, `${process.pid} 17`);
  await clearAway(within);
  expect(readdirSync(within).toSorted()).toEqual(
    ["somebody-else", `${folderPrefix}running`, `${folderPrefix}young`].toSorted(),
  );
});
