import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { models, type Product } from "./product.ts";
import type { VendorName } from "./rules.ts";
import type { Vendors } from "./vendors.ts";

const runWithinMs = 120_000;
const words = "FINAL-ANSWER";

/**
 * Claude Code with a fresh configuration: the model calls its Bash tool twice at once, gets both results and answers. Gives
 * what went wrong; empty: nothing.
 */
export async function runClaudeCode(
  product: Product,
  vendors: Vendors,
  { vendor, clients, folder }: { vendor: VendorName; clients: string; folder: string },
): Promise<string> {
  vendors.follow(({ offered, results }) => {
    if (results.length > 0 || !offered.includes("Bash")) return { text: words };
    const calls = ["one", "two"].map((word) => ({
      name: "Bash",
      input: { command: `echo ${word}-$((1+1))`, description: `Says ${word}` },
    }));
    return { calls };
  });
  const home = join(folder, `claude-code-${vendor}`);
  const work = join(home, "work");
  await mkdir(work, { recursive: true });
  const model = models[vendor];
  const asked = ["-p", "Say one and two.", "--model", model, "--allowedTools", "Bash", "--output-format", "json"];
  // It starts the program of this machine's kind, also where no script ran after the installation.
  const wrapper = join(clients, "node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs");
  const child = spawn(process.execPath, [wrapper, ...asked, "--max-turns", "6"], {
    cwd: work,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: home,
      ANTHROPIC_BASE_URL: product.url,
      ANTHROPIC_AUTH_TOKEN: product.key,
      ANTHROPIC_MODEL: model,
      ANTHROPIC_SMALL_FAST_MODEL: model,
      ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_AUTOUPDATER: "1",
      API_TIMEOUT_MS: "30000",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const take = (piece: Buffer) => {
    output += piece.toString();
  };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", take);
  const late = setTimeout(() => child.kill(), runWithinMs);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(late);
  const heard = vendors.asked.flatMap(({ results }) => results).join("\n");
  const wrong = [
    ...vendors.refused,
    ...(code === 0 ? [] : [`it ended with ${code}`]),
    ...(output.includes(words) ? [] : ["it did not hear the answer"]),
    ...["one-2", "two-2"].filter((word) => !heard.includes(word)).map((word) => `${word} did not come back`),
  ];
  return wrong.length === 0 ? "" : `${wrong.join("; ")}\n${output.slice(-2_000)}`;
}
