import type { Command } from "commander";
import { connect } from "./client.ts";
import { CommandError, prints } from "./command.ts";
import { cliEnv } from "./config.ts";

interface Audit {
  readonly sound: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly checked: number;
    readonly offending: readonly string[];
  }[];
}

/** `audit`: verifies the ledger on a live database; exit code 1 with the offending rows when something is wrong. */
export function audit(program: Command): void {
  prints(
    program
      .command("audit")
      .description("verify the ledger on the live database; exit code 1 when a check fails")
      .option("--direct", "read the database at DATABASE_URL instead of asking the gateway"),
    async ({ direct }: { direct?: boolean }): Promise<Audit> => {
      const result = direct === true ? await auditDirectly() : await (await connect()).ledger.audit.query();
      if (!result.sound) process.exitCode = 1;
      return result;
    },
    ({ sound, checks }) => {
      const lines = checks.flatMap(({ name, checked, offending }) => [
        `${offending.length === 0 ? "ok    " : "FAILED"}  ${name} (${checked} checked)`,
        ...offending.map((row) => `          ${row}`),
      ]);
      return `${lines.join("\n")}\n${sound ? "The ledger is sound." : "The ledger is NOT sound."}\n`;
    },
  );
}

/** The same checks without a gateway: for when it is down, or not to be trusted. */
async function auditDirectly(): Promise<Audit> {
  const [{ readEnv }, { createLog }, { auditLedger }, { openAuditDatabase }] = await Promise.all([
    import("../shared/config.ts"),
    import("../shared/log.ts"),
    import("../services/billing/db/audit.ts"),
    import("../services/billing/db/open.ts"),
  ]);
  const { DATABASE_URL: databaseUrl } = cliEnv.read(readEnv());
  if (databaseUrl === undefined) throw new CommandError("--direct needs DATABASE_URL");
  const db = openAuditDatabase({ databaseUrl }, createLog({ service: "audit", level: "silent" }));
  try {
    const checks = await auditLedger(db).catch(withReason);
    return {
      sound: checks.every(({ offending }) => offending.length === 0),
      checks: checks.map(({ name, checked, offending }) => ({ name, checked: Number(checked), offending })),
    };
  } finally {
    await db.close();
  }
}

/** The platform's own errors leave their reason to the log: here the person at the terminal is told. */
function withReason(error: unknown): never {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  throw new CommandError(cause instanceof Error ? `${message.replace(/\.$/, "")}: ${cause.message}` : message);
}
