import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runAiSdk } from "./ai-sdk.ts";
import { runClaudeCode } from "./claude-code.ts";
import { runCodex } from "./codex.ts";
import { runGeminiCli } from "./gemini-cli.ts";
import { clients, installClients } from "./install.ts";
import { startProduct } from "./product.ts";
import type { VendorName } from "./rules.ts";
import { startVendors } from "./vendors.ts";

/*
 * Real clients, as their makers publish them, against a Throughline and vendors that enforce their rules:
 *
 *   node test/clients/main.ts [codex] [claude-code] [gemini-cli] [ai-sdk]
 *
 * It installs the clients from npm, so it is run by hand and not by `npm test`; docs/matrix.md has what came of it. CLIENTS
 * names a folder that has them already.
 */

const vendorNames: readonly VendorName[] = ["chat", "messages", "gemini", "responses"];
const programs = {
  codex: { shown: `Codex CLI ${clients["@openai/codex"]}`, run: runCodex },
  "claude-code": { shown: `Claude Code ${clients["@anthropic-ai/claude-code"]}`, run: runClaudeCode },
  "gemini-cli": { shown: `Gemini CLI ${clients["@google/gemini-cli"]}`, run: runGeminiCli },
  "ai-sdk": { shown: `AI SDK ${clients.ai}, @ai-sdk/openai ${clients["@ai-sdk/openai"]}`, run: runAiSdk },
} as const;
type ProgramName = keyof typeof programs;

const asked = process.argv.slice(2);
const chosen = (Object.keys(programs) as ProgramName[]).filter((name) => asked.length === 0 || asked.includes(name));
const folder = await mkdtemp(join(tmpdir(), "throughline-clients-"));
let failures = 0;
try {
  const installed = process.env.CLIENTS ?? (await installClients(folder));
  await using vendors = await startVendors();
  await mkdir(join(folder, "data"), { recursive: true });
  await using product = await startProduct(folder, vendors.port);
  for (const name of chosen) {
    const { shown, run } = programs[name];
    for (const vendor of vendorNames) {
      const wrong = await run(product, vendors, { vendor, clients: installed, folder });
      if (wrong !== "") failures++;
      process.stdout.write(
        `${wrong === "" ? "ok  " : "FAIL"} ${shown} -> ${vendor}${wrong === "" ? "" : `: ${wrong}`}\n`,
      );
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = failures === 0 ? 0 : 1;
