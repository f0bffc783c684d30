import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { models, type Product } from "./product.ts";
import type { VendorName } from "./rules.ts";
import type { Vendors } from "./vendors.ts";

const runWithinMs = 90_000;
/** Its shell. */
const shellTool = "run_shell_command";

/**
 * Gemini CLI without a terminal, with an API key and an address: the model calls two commands at once, gets both results and
 * answers. Gives what went wrong; empty: nothing.
 */
export async function runGeminiCli(
  product: Product,
  vendors: Vendors,
  { vendor, clients, folder }: { vendor: VendorName; clients: string; folder: string },
): Promise<string> {
  vendors.follow(({ offered, results }) => {
    if (results.length > 0 || !offered.includes(shellTool)) return { text: "FINAL-ANSWER" };
    // It refuses commands in which anything is substituted.
    const commands = ["printf %s-%s one 2", "printf %s-%s two 3"];
    return { calls: commands.map((command) => ({ name: shellTool, input: { command, description: "says a word" } })) };
  });
  const home = join(folder, `gemini-${vendor}`);
  const work = join(home, "work");
  await mkdir(join(home, ".gemini"), { recursive: true });
  await mkdir(work, { recursive: true });
  const settings = {
    security: { auth: { selectedType: "gemini-api-key" }, folderTrust: { enabled: false } },
    privacy: { usageStatisticsEnabled: false },
    telemetry: { enabled: false },
    general: { enableAutoUpdate: false, disableAutoUpdate: true },
  };
  await writeFile(join(home, ".gemini", "settings.json"), JSON.stringify(settings));
  const child = spawn(
    join(clients, "node_modules/.bin/gemini"),
    ["-m", models[vendor], "--approval-mode", "yolo", "-p", "say both words"],
    {
      cwd: work,
      env: {
        PATH: process.env.PATH ?? "",
        HOME: home,
        GEMINI_API_KEY: product.key,
        GOOGLE_GEMINI_BASE_URL: product.url,
        GEMINI_CLI_TRUST_WORKSPACE: "true",
        NO_BROWSER: "true",
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
  const results = (vendors.asked.findLast(({ results: heard }) => heard.length > 0)?.results ?? []).join("\n");
  const wrong = [
    ...vendors.refused,
    ...(code === 0 ? [] : [`it ended with ${code}`]),
    ...(output.includes("FINAL-ANSWER") ? [] : ["it did not hear the answer"]),
    ...(["one-2", "two-3"].every((word) => results.includes(word))
      ? []
      : [`the results of the commands did not come back: ${results.slice(0, 500)}`]),
  ];
  return wrong.length === 0 ? "" : `${wrong.join("; ")}\n${output.slice(-2_000)}`;
}
