import { expect, test } from "vitest";
import { readPresets } from "../services/routing/live/presets.ts";
import { readVendorKeys } from "../services/routing/live/vendor-keys.ts";
import { declaredEnv } from "../test/repository/declared-env.ts";
import { cliEnv } from "./config.ts";
import { type Role, roleEnv, secretRoles } from "./role-env.ts";

const roles: readonly Role[] = ["routing", "history", "billing", "provider-adapter", "jobs", "gateway"];

test("every declared secret, and every address that may hold a password, says which roles are given it", () => {
  const all = declaredEnv.flatMap(({ variables }) => Object.entries(variables));
  const secret = all.filter(([, { kind }]) => kind === "secret").map(([name]) => name);
  expect(secret.length).toBeGreaterThan(5);
  expect(Object.keys(secretRoles)).toEqual(expect.arrayContaining([...secret, "DATABASE_URL", "VALKEY_URL"]));
});

test("a setting that is no secret reaches the roles that read it", () => {
  const rooms: Readonly<Record<string, readonly Role[]>> = {
    "gateway/config.ts": ["gateway"],
    "shared/process-env.ts": roles,
    "services/routing/config.ts": ["routing"],
    "services/billing/config.ts": ["billing"],
    "services/provider-adapter/config.ts": ["provider-adapter"],
    "services/history/config.ts": ["history"],
    "services/jobs/config.ts": ["jobs"],
    "shared/telemetry/config.ts": roles,
  };
  for (const { file, variables } of declaredEnv) {
    for (const name of Object.keys(variables)) {
      for (const role of rooms[file] ?? []) {
        expect([name, role, roleEnv(role, { [name]: "a value" }, new Set())]).toEqual([
          name,
          role,
          { [name]: "a value" },
        ]);
      }
    }
  }
  expect(Object.keys(rooms).sort()).toEqual(
    declaredEnv
      .map(({ file }) => file)
      .filter((file) => file !== "cli/config.ts")
      .sort(),
  );
  for (const name of Object.keys(cliEnv.variables)) {
    if (name !== "DATABASE_URL") expect(roleEnv("gateway", { [name]: "x" }, new Set())).toEqual({});
  }
});

test("routing is told which vendors' keys are set, and not what they hold", async () => {
  const keys = await readVendorKeys();
  expect(keys.size).toBeGreaterThan(5);
  expect([...keys]).toEqual((await readPresets()).vendors.map(({ key }) => key));
  const env = { ...Object.fromEntries([...keys].map((key) => [key, `the ${key}`])), GEMINI_API_KEY: " " };
  expect(new Set(Object.values(roleEnv("routing", env, keys)))).toEqual(new Set(["set"]));
  expect(roleEnv("routing", env, keys)).not.toHaveProperty("GEMINI_API_KEY");
  expect(roleEnv("provider-adapter", env, keys)).toEqual(env);
  for (const role of ["gateway", "billing", "history", "jobs"] as const) expect(roleEnv(role, env, keys)).toEqual({});
});
