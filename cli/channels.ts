import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { AdminClient } from "./admin-client.ts";
import { connect } from "./client.ts";
import { CommandError, prints } from "./command.ts";
import { facts, table } from "./table.ts";

type Put = Parameters<AdminClient["channels"]["put"]["mutate"]>[0]["channel"];
type Listed = Awaited<ReturnType<AdminClient["channels"]["list"]["query"]>>["channels"][number];
type Stored = Awaited<ReturnType<AdminClient["channels"]["put"]["mutate"]>>;

/** `channels list | put | delete`. */
export function channels(program: Command): void {
  const group = program.command("channels").description("upstream accounts, in use within a second");

  prints(
    group.command("list").description("all channels and their health"),
    async () => (await (await connect()).channels.list.query()).channels,
    (found) =>
      table(
        found.map((channel) => ({
          name: channel.name,
          adapter: channel.adapter,
          base_url: channel.base_url,
          from: channel.from_file ? "configuration" : "run time",
          enabled: channel.enabled ? "yes" : "no",
          priority: channel.priority,
          weight: channel.weight,
          models: channel.models.length,
          health: channel.health === null ? "quiet" : channel.health.state.replace("_", " "),
          last_failure: failureText(channel.health?.last_failure ?? null),
        })),
        "There are no channels.",
      ),
  );

  prints(
    group
      .command("put")
      .description("create or replace a run-time channel")
      .argument(
        "<file>",
        "the channel in YAML or JSON, with the names that `channels list --json` shows; -: standard input",
      )
      .option("--credential-file <file>", "new credentials, one a line; none: those that the channel has"),
    async (file: string, { credentialFile }: { credentialFile?: string }) => {
      const { parse } = await import("yaml");
      const channel: unknown = parse(readText(file));
      if (typeof channel !== "object" || channel === null) throw new CommandError(`${file} holds no channel`);
      return (await connect()).channels.put.mutate({
        // The router checks it and names what is wrong.
        channel: channel as Put,
        // A file, not an argument: arguments are seen in the list of processes and kept in shells' histories.
        ...(credentialFile === undefined ? {} : { new_credential: readText(credentialFile) }),
      });
    },
    channelText,
  );

  prints(
    group.command("delete").description("remove a run-time channel; a repeat is fine").argument("<name>", "its name"),
    async (name: string) => (await connect()).channels.delete.mutate({ name }),
    ({ name }) => `${name} deleted.\n`,
  );
}

type Failure = NonNullable<Listed["health"]>["last_failure"];

/** What last failed, and when. */
function failureText(failure: Failure): string | null {
  if (failure === null) return null;
  return [failure.status ?? "no answer", failure.code, failure.time].filter((part) => part !== null).join(" ");
}

function readText(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function channelText({ models, groups, credentials, flavour, header_names, batches, ...channel }: Stored): string {
  return facts({
    ...channel,
    batches:
      batches === "own"
        ? batches
        : `${batches.by}: a line costs ${batches.price_ratio} of the request, ${batches.list_ratio} by the vendor's list`,
    models: models.map(({ model }) => model).join(", "),
    groups: groups.join(", "),
    credentials: credentials.join(", "),
    headers: header_names.join(", "),
    flavour: Object.keys(flavour).length === 0 ? "" : JSON.stringify(flavour),
  });
}
