import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createLog } from "../shared/log.ts";
import { openGround } from "./ground.ts";

test("an empty variable is as good as none: what the data folder keeps takes its place", async () => {
  const folder = mkdtempSync(join(tmpdir(), "throughline-ground-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const given = {
    THROUGHLINE_DATA: folder,
    DATABASE_URL: "postgres://127.0.0.1/x",
    SIMULATOR_URL: "http://127.0.0.1:9/v1",
  };
  const open = async (more: Record<string, string>) =>
    (
      await openGround(
        { env: { ...given, ...more }, logFor: () => createLog({ service: "ground", level: "silent" }) },
        () => undefined,
      )
    ).env;
  const made = await open({ KEY_PEPPER: "", CREDENTIAL_KEY: " " });
  expect([made.KEY_PEPPER?.length, made.CREDENTIAL_KEY?.length]).toEqual([44, 44]);
  expect(await open({})).toMatchObject({ KEY_PEPPER: made.KEY_PEPPER, CREDENTIAL_KEY: made.CREDENTIAL_KEY });
  expect(await open({ KEY_PEPPER: "one of mine" })).toMatchObject({ KEY_PEPPER: "one of mine" });
});
