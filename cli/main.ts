import { readFileSync } from "node:fs";
import { Command } from "commander";
import { accounts } from "./accounts.ts";
import { audit } from "./audit.ts";
import { channels } from "./channels.ts";
import { keepCompiled } from "./compile-cache.ts";
import { credits, ledger, usage } from "./credits.ts";
import { exportRecords } from "./export.ts";
import { imports } from "./import/command.ts";
import { keys } from "./keys.ts";
import { requests } from "./requests.ts";
import { trail } from "./trail.ts";
import { webhooks } from "./webhooks.ts";

/*
 * The command line of Throughline. Each command loads only what it needs: `--help` answers at once.
 * Exit codes: 0 done, 1 failed, 2 wrong usage, 128 + n ended by signal n.
 */

keepCompiled();

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("throughline")
  .description("An LLM API gateway through which one request ID runs.")
  .version(version)
  .showHelpAfterError("(throughline --help lists the commands)")
  .exitOverride((error) => process.exit(error.exitCode === 1 ? 2 : error.exitCode));

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

const roles: Readonly<Record<string, [string, string]>> = {
  gateway: ["../gateway/main.ts", "the HTTP edge"],
  routing: ["../services/routing/main.ts", "which upstreams, at what price"],
  billing: ["../services/billing/main.ts", "keys, limits, reservations, the ledger"],
  provider: ["../services/provider-adapter/main.ts", "speaks to the upstreams"],
  history: ["../services/history/main.ts", "a record of every request"],
  jobs: ["../services/jobs/main.ts", "work that outlives its request"],
};
for (const [role, [file, description]] of Object.entries(roles)) {
  program
    .command(role)
    .description(`run one process: ${description}`)
    .action(async () => {
      await import(file);
    });
}

// Administration: clients of the gateway's tRPC router.
for (const register of [
  accounts,
  keys,
  credits,
  ledger,
  usage,
  requests,
  exportRecords,
  imports,
  audit,
  channels,
  trail,
  webhooks,
]) {
  register(program);
}

await program.parseAsync();
