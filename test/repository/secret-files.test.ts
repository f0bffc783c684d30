import { expect, test } from "vitest";
import { secretRoles } from "../../cli/role-env.ts";
import { readVendorKeys } from "../../services/routing/live/vendor-keys.ts";
import { mayBeFile } from "../../shared/secret-files.ts";
import { declaredEnv } from "./declared-env.ts";

test("every secret that is declared, given to few, or a vendor's may come from a file", async () => {
  const declared = declaredEnv.flatMap(({ variables }) =>
    Object.entries(variables).flatMap(([name, { kind }]) => (kind === "secret" || kind === "postgres" ? [name] : [])),
  );
  const names = new Set([...declared, ...Object.keys(secretRoles), ...(await readVendorKeys())]);
  expect([...names].filter((name) => !mayBeFile(name))).toEqual([]);
});
