import { clientKey } from "../shared/config-checks.ts";
import { declareEnv } from "../shared/config-declare.ts";

/** Variables of the command line. */
export const cliEnv = declareEnv({
  THROUGHLINE_DATA: {
    kind: "string",
    default: ".throughline",
    description: "Folder of the embedded PostgreSQL and of generated secrets (`up` and `mesh`).",
  },
  THROUGHLINE_BOOTSTRAP_KEY: {
    kind: "secret",
    check: clientKey,
    description:
      "A fixed first API key, for scripts, never printed; unset: one is made at the first start and shown once.",
  },
  DATABASE_URL: {
    kind: "postgres",
    description: "PostgreSQL to use; unset in `up` and `mesh`: an embedded one.",
  },
  THROUGHLINE_URL: {
    kind: "url",
    protocols: ["http", "https"],
    default: "http://127.0.0.1:8080",
    description: "Gateway that administration commands talk to.",
  },
  THROUGHLINE_ADMIN_KEY: {
    kind: "secret",
    check: clientKey,
    description: "Key of kind `cli` that administration commands use.",
  },
});
