import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { models, type Product } from "./product.ts";
import type { VendorName } from "./rules.ts";
import type { Vendors } from "./vendors.ts";

const mcpServer = fileURLToPath(new URL("./mcp-server.mjs", import.meta.url));
const runWithinMs = 90_000;

/** Its own shell, by what it is called in different versions, and the tool of the MCP server. */
const shellTool = /(^|\s|_)(exec_command|shell|shell_command)$/;
const searchTool = /docs.*search$/;

/**
 * Codex CLI with a fresh configuration and one MCP server: the model calls a command and the server's tool at once, gets both
 * results and answers. Gives what went wrong; empty: nothing.
 */
export async function runCodex(
  product: Product,
  vendors: Vendors,
  { vendor, clients, folder }: { vendor: VendorName; clients: string; folder: string },
): Promise<string> {
  vendors.follow(({ offered, results }) => {
    const shell = offered.find((name) => shellTool.test(name));
    const search = offered.find((name) => searchTool.test(name));
    if (results.length > 0 || shell === undefined || search === undefined) return { text: "FINAL-ANSWER" };
    const cmd = "echo one-$((1+1))";
    const input = shell.endsWith("exec_command") ? { cmd } : { command: ["bash", "-lc", cmd] };
    return {
      calls: [
        { name: shell, input },
        { name: search, input: { q: "x" } },
      ],
    };
  });
  const home = join(folder, `codex-${vendor}`);
  const work = join(home, "work");
  await mkdir(work, { recursive: true });
  await writeFile(
    join(home, "config.toml"),
    `model = "${models[vendor]}"
model_provider = "throughline"
[model_providers.throughline]
name = "throughline"
base_url = "${product.url}/v1"
wire_api = "responses"
env_key = "THROUGHLINE_KEY"
[mcp_servers.docs]
command = "${process.execPath}"
args = ["${mcpServer}"]
`,
  );
  const child = spawn(
    join(clients, "node_modules/.bin/codex"),
    ["exec", "--skip-git-repo-check", "--json", "-s", "danger-full-access", "say hello and look it up"],
    {
      cwd: work,
      env: {
        PATH: process.env.PATH ?? "",
        HOME: home,
        CODEX_HOME: home,
        THROUGHLINE_KEY: product.key,
        RUST_LOG: "warn",
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  const take = (piece: Buffer) => {
    output += piece.toString();
  };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", take);
  const late = setTimeout(() => child.kill(), runWithinMs);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(late);
  const results = vendors.asked.at(-1)?.results ?? [];
  const wrong = [
    ...vendors.refused,
    ...(code === 0 ? [] : [`it ended with ${code}`]),
    ...(output.includes("FINAL-ANSWER") ? [] : ["it did not hear the answer"]),
    ...(results.some((text) => text.includes("one-2")) ? [] : ["the result of the command did not come back"]),
    ...(results.some((text) => text.includes("found"))
      ? []
      : ["the result of the MCP server's tool did not come back"]),
  ];
  return wrong.length === 0 ? "" : `${wrong.join("; ")}\n${output.slice(-2_000)}`;
}
