import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { CommandError, guarded } from "../command.ts";
import type { Imported } from "./imported.ts";

interface ImportOptions {
  readonly out?: string;
  readonly keys?: string;
  readonly options?: string;
}

/** `import litellm | new-api`: another gateway's configuration as ours. */
export function imports(program: Command): void {
  const group = program
    .command("import")
    .description("another gateway's configuration as a file for THROUGHLINE_CONFIG");
  const outputs = (command: Command) =>
    command
      .option("--out <file>", "where the configuration goes; standard output otherwise")
      .option(
        "--keys <file>",
        "where keys go that stand in the file itself, as lines of an .env, readable by you alone",
      );
  outputs(
    group
      .command("litellm")
      .description("channels, prices, aliases and fallbacks of LiteLLM's config.yaml")
      .argument("<file>", "the config.yaml; -: standard input"),
  ).action((file: string, options: ImportOptions) =>
    guarded(false, async () => {
      const { fromLitellm } = await import("./litellm.ts");
      // biome-ignore lint/style/noProcessEnv: the imported file names the variables, so none of them can be declared.
      await give(fromLitellm(await read(file), process.env), options);
    }),
  );
  outputs(
    group
      .command("new-api")
      .description("channels of new-api or one-api; with --options also groups and prices")
      .argument("<file>", "JSON of GET /api/channel/ or of the table channels; -: standard input")
      .option("--options <file>", "JSON of GET /api/option/"),
  ).action((file: string, options: ImportOptions) =>
    guarded(false, async () => {
      const { fromNewApi } = await import("./new-api.ts");
      const settings = options.options === undefined ? undefined : await read(options.options);
      await give(fromNewApi(await read(file), settings), options);
    }),
  );
}

async function read(file: string): Promise<unknown> {
  const { parse } = await import("yaml");
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}`);
  }
  try {
    return text.trimStart().startsWith("{") || text.trimStart().startsWith("[") ? JSON.parse(text) : parse(text);
  } catch (error) {
    throw new CommandError(`${file} is neither YAML nor JSON: ${(error as Error).message.split("\n")[0]}`);
  }
}

async function give({ config, notes, secrets }: Imported, { out, keys }: ImportOptions): Promise<void> {
  const [{ stringify }, { problemsOf }] = await Promise.all([import("yaml"), import("./check.ts")]);
  const text = stringify(config, { lineWidth: 0, aliasDuplicateObjects: false });
  if (out === undefined) process.stdout.write(text);
  else writeFileSync(out, text);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  for (const note of notes) say(`note: ${note}`);
  if (secrets.size > 0 && keys === undefined) {
    say(`note: ${secrets.size} keys stand in the file itself and were left out; --keys FILE writes them as an .env.`);
  } else if (keys !== undefined) {
    const lines = [...secrets].map(([env, value]) => `${env}=${quoted(value)}\n`).join("");
    writeFileSync(keys, lines, { mode: 0o600, flag: "wx" });
  }
  const problems = await problemsOf(out ?? "imported.yaml", text);
  for (const problem of problems) say(`to mend: ${problem}`);
  const standing = problems.length === 0 ? "the file is ready" : `${problems.length} places to mend before it is taken`;
  const isEmpty = config.channels.length === 0;
  say(
    isEmpty
      ? "No channel was imported: the file serves no model."
      : `${config.channels.length} channels imported; ${standing}.`,
  );
}

/** A value of an .env as a shell and Compose read it: in single quotes where it is no plain word. */
function quoted(value: string): string {
  return /^[\w./:@+=-]*$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
