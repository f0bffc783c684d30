import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The clients and their versions, from npm. */
export const clients = {
  "@openai/codex": "0.171.0",
  "@anthropic-ai/claude-code": "2.1.328",
  "@google/gemini-cli": "0.61.0",
  ai: "6.0.326",
  "@ai-sdk/openai": "3.0.141",
  zod: "4.6.7",
} as const;

/** Installs the clients into a folder of its own: they are no dependencies of the project. Gives that folder. */
export async function installClients(folder: string): Promise<string> {
  const place = join(folder, "clients");
  await mkdir(place, { recursive: true });
  await writeFile(join(place, "package.json"), JSON.stringify({ private: true, dependencies: clients }));
  await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: place, timeout: 600_000 });
  return place;
}
