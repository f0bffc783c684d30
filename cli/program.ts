import { Command } from "commander";
import { accounts } from "./accounts.ts";
import { channels } from "./channels.ts";
import { credits, ledger } from "./credits.ts";
import { exportRecords } from "./export.ts";
import { jobs } from "./jobs.ts";
import { keys } from "./keys.ts";
import { me } from "./me.ts";
import { requests } from "./requests.ts";
import { trail } from "./trail.ts";
import { usage } from "./usage.ts";
import { webhooks } from "./webhooks.ts";

/** The command line without commands. Exit codes: 0 done, 1 failed, 2 wrong usage, 128 + n ended by signal n. */
export function createProgram(version: string): Command {
  return new Command("throughline")
    .description("An LLM API gateway through which one request ID runs.")
    .version(version)
    .showHelpAfterError("(throughline --help lists the commands)")
    .exitOverride((error) => process.exit(error.exitCode === 1 ? 2 : error.exitCode));
}

/** Commands that talk to a running gateway and need nothing else of ours: clients of its tRPC router. */
export const administration: readonly ((program: Command) => void)[] = [
  accounts,
  keys,
  me,
  credits,
  ledger,
  usage,
  requests,
  jobs,
  exportRecords,
  channels,
  trail,
  webhooks,
];
