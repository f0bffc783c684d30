import { expect, expectTypeOf, test } from "vitest";
import { ConfigError } from "./config.ts";
import { declareEnv, describeVariables, variablesTable } from "./config-declare.ts";

const declared = declareEnv({
  PORT: { kind: "int", default: 8080, min: 1, max: 65535, description: "Port to listen on." },
  MAX_BODY: { kind: "int", default: 16_777_216, unit: "bytes", description: "Largest body." },
  DATABASE_URL: { kind: "postgres", required: true, description: "PostgreSQL." },
  STYLE: { kind: "choice", choices: ["decimal", "stamped"], default: "decimal", description: "Spelling of IDs." },
  TIMEOUT: { kind: "duration", default: 30_000, description: "Patience." },
  ADMIN_KEY: { kind: "secret", description: "Key of the administrator." },
  ORIGINS: { kind: "list", default: ["a", "b"], description: "Origins." },
  RATIO: { kind: "number", default: 0.5, description: "Share." },
  TRUST: { kind: "bool", default: false, description: "Trust." },
});

test("values are typed: defaulted and required ones are always there, others may be undefined", () => {
  const values = declared.read({ DATABASE_URL: "postgres://db/x", PORT: "0443", STYLE: "stamped" });
  expect(values).toEqual({
    PORT: 443,
    MAX_BODY: 16_777_216,
    DATABASE_URL: "postgres://db/x",
    STYLE: "stamped",
    TIMEOUT: 30_000,
    ADMIN_KEY: undefined,
    ORIGINS: ["a", "b"],
    RATIO: 0.5,
    TRUST: false,
  });
  expectTypeOf(values.PORT).toEqualTypeOf<number>();
  expectTypeOf(values.DATABASE_URL).toEqualTypeOf<string>();
  expectTypeOf(values.STYLE).toEqualTypeOf<"decimal" | "stamped">();
  expectTypeOf(values.ADMIN_KEY).toEqualTypeOf<string | undefined>();
  expectTypeOf(values.ORIGINS).toEqualTypeOf<readonly string[]>();
});

test("one error names every variable at fault", () => {
  const read = () => declared.read({ PORT: "99999", STYLE: "hex", TIMEOUT: "soon" });
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(
    [
      "PORT must be at most 65535, not 99999",
      "DATABASE_URL must be set",
      'STYLE must be one of decimal, stamped, not "hex"',
      'TIMEOUT must be a duration such as 250ms, 30s, 5m, 2h or 7d, not "soon"',
    ].join("\n"),
  );
});

test("the configuration table shows what the code reads, and each name once", () => {
  const again = declareEnv({ PORT: { kind: "int", default: 1, description: "Another." } });
  expect(
    describeVariables([declared.variables, again.variables]).map((row) => [row.name, row.kind, row.default]),
  ).toEqual([
    ["PORT", "int", "8080"],
    ["MAX_BODY", "int (bytes)", "16777216"],
    ["DATABASE_URL", "url", "required"],
    ["STYLE", "decimal \\| stamped", "decimal"],
    ["TIMEOUT", "duration", "30s"],
    ["ADMIN_KEY", "secret", ""],
    ["ORIGINS", "list", "a,b"],
    ["RATIO", "number", "0.5"],
    ["TRUST", "bool", "false"],
  ]);
  expect(variablesTable([again.variables])).toBe(
    "| Variable | Kind | Default | Meaning |\n|---|---|---|---|\n| `PORT` | int | `1` | Another. |",
  );
});

test("a template that nobody filled in is refused, and not repeated; a secret may hold anything", () => {
  const texts = declareEnv({
    TARGET: { kind: "string", description: "Target." },
    URL: { kind: "url", protocols: ["http"], description: "Address." },
    LIST: { kind: "list", description: "List." },
    KEY: { kind: "secret", description: "Key." },
  });
  const value = `http://user:pass@\${HOST}/`;
  for (const name of ["TARGET", "URL", "LIST"]) {
    expect(() => texts.read({ [name]: value })).toThrow(new ConfigError(name, `${name} has \${...} left in it`));
  }
  expect(texts.read({ KEY: value }).KEY).toBe(value);
});
