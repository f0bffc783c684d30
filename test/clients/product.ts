import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { VendorName } from "./rules.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const startWithinMs = 120_000;

/** A Throughline as a user starts it, before the vendors of these tests. */
export interface Product extends AsyncDisposable {
  readonly url: string;
  readonly key: string;
}

/** The models that are served, each by a vendor of one format. */
export const models: Readonly<Record<VendorName, string>> = {
  chat: "strict-chat",
  messages: "strict-messages",
  gemini: "strict-gemini",
  responses: "strict-responses",
};

const key = "tl-clients-0123456789abcdef";

function configuration(port: number): string {
  const channel = (
    vendor: VendorName,
    adapter: string,
    path: string,
    flavour: object,
    upstream: string = models[vendor],
  ) =>
    `  - { name: ${vendor}, adapter: ${adapter}, base_url: "http://127.0.0.1:${port}${path}", models: { ${models[vendor]}: ${upstream} }, flavour: ${JSON.stringify(flavour)} }`;
  return [
    "strategies: [{ name: free-of-charge, free: true }]",
    "models:",
    ...Object.values(models).map((name) => `  - { name: ${name}, context_window: 200000, strategy: free-of-charge }`),
    "channels:",
    channel(
      "chat",
      "openai",
      "/v1",
      {
        ...{ vendor: "openai", responses: false, system_role: "system" },
        ...{ system_turns: "first", alternate_turns: true, user_first: true },
      },
      "gpt-4o",
    ),
    channel("messages", "anthropic", "", { like: "claude-sonnet-4-5" }),
    channel("gemini", "gemini", "/v1beta", { like: "gemini-3-flash" }),
    // It speaks nothing else: clients of other dialects are translated to it.
    channel("responses", "openai", "/v1", { vendor: "openai", chat: false }),
    "",
  ].join("\n");
}

/** Starts it in a folder of its own, with a database of its own; gives it when it is ready. */
export async function startProduct(folder: string, vendorPort: number): Promise<Product> {
  const config = join(folder, "throughline.yaml");
  await writeFile(config, configuration(vendorPort));
  const child = spawn(join(root, "node_modules/.bin/node"), [join(root, "cli/main.ts"), "up"], {
    env: {
      PATH: process.env.PATH ?? "",
      THROUGHLINE_DATA: join(folder, "data"),
      THROUGHLINE_CONFIG: config,
      THROUGHLINE_BOOTSTRAP_KEY: key,
      PORT: "0",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const { promise: ready, resolve, reject } = Promise.withResolvers<string>();
  let output = "";
  const late = setTimeout(() => reject(new Error(`not ready in time:\n${output}`)), startWithinMs);
  const take = (piece: Buffer) => {
    output += piece.toString();
    const url = /Base URL {3}(\S+)\/v1/.exec(output)?.[1];
    if (url !== undefined) resolve(url);
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  void ended.then(() => reject(new Error(`ended before it was ready:\n${output}`)));
  const url = await ready.finally(() => clearTimeout(late));
  return {
    url,
    key,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
