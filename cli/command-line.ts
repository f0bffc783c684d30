import { readFileSync } from "node:fs";
import { audit } from "./audit.ts";
import { imports } from "./import/command.ts";
import { administration, createProgram } from "./program.ts";

const roles: Readonly<Record<string, [string, string]>> = {
  gateway: ["../gateway/main.ts", "the HTTP edge"],
  routing: ["../services/routing/main.ts", "which upstreams, at what price"],
  billing: ["../services/billing/main.ts", "keys, limits, reservations, the ledger"],
  provider: ["../services/provider-adapter/main.ts", "speaks to the upstreams"],
  history: ["../services/history/main.ts", "a record of every request"],
  jobs: ["../services/jobs/main.ts", "work that outlives its request"],
};

/**
 * Reads the command line and runs its command. Each command loads only what it needs: `--help` answers at once.
 * Exit codes: 0 done, 1 failed, 2 wrong usage, 128 + n ended by signal n.
 */
export async function runCommandLine(): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };

  const program = createProgram(version);

  program
    .command("up")
    .description("everything in one process, on an embedded PostgreSQL and the simulated upstream")
    .action(async () => {
      process.exitCode = await (await import("./up.ts")).up();
    });

  program
    .command("mesh")
    .description("the six processes on this machine over real gRPC")
    .action(async () => {
      process.exitCode = await (await import("./mesh.ts")).mesh();
    });

  program
    .command("simulator")
    .description("the simulated upstream alone, on HOST and PORT")
    .action(async () => {
      process.exitCode = await (await import("./simulator.ts")).simulator();
    });

  program
    .command("migrate")
    .description("bring the schemas at DATABASE_URL up to date")
    .action(async () => {
      process.exitCode = await (await import("./migrate.ts")).migrate();
    });

  program
    .command("init")
    .description("make the first account and its keys, at the billing of BILLING_TARGET")
    .action(async () => {
      process.exitCode = await (await import("./init.ts")).init();
    });

  for (const [role, [file, description]] of Object.entries(roles)) {
    program
      .command(role)
      .description(`run one process: ${description}`)
      .action(async () => {
        await import(file);
      });
  }

  for (const register of [...administration, audit, imports]) register(program);

  await program.parseAsync();
}
