import { expect, test } from "vitest";
import { billingEnv, envToConfig } from "./config.ts";

const least = { DATABASE_URL: "postgres://localhost/x", KEY_PEPPER: "0123456789abcdef" };

test("has a default for all but the database and the pepper", () => {
  expect(envToConfig(least)).toEqual({
    databaseUrl: least.DATABASE_URL,
    databasePoolSize: 10,
    migrate: true,
    keyPepper: least.KEY_PEPPER,
    keyPepperReset: false,
    reservationTtlMs: 60_000,
    sweepIntervalMs: 1_000,
    reconcileLagMs: 30_000,
    reconcileIntervalMs: 5_000,
    settleLingerMs: 40,
    refusalWaitMs: 500,
    valkeyUrl: undefined,
    valkeyFallback: "local",
    accountsFile: undefined,
    accountsLookEveryMs: 10_000,
  });
});

test.each([
  ["DATABASE_URL", { DATABASE_URL: "mysql://localhost" }],
  ["KEY_PEPPER", { KEY_PEPPER: "too short" }],
  ["RESERVATION_TTL_MS", { RESERVATION_TTL_MS: "5ms" }],
  ["VALKEY_FALLBACK", { VALKEY_FALLBACK: "maybe" }],
])("names %s when it is wrong, and shows no secret", (name, wrong) => {
  expect(() => envToConfig({ ...least, ...wrong })).toThrow(name);
  expect(() => envToConfig({ ...least, ...wrong })).not.toThrow(/too short/);
});

test("describes every variable", () => {
  for (const { description } of Object.values(billingEnv.variables)) expect(description).toMatch(/^[A-Z].*\.$/s);
});
