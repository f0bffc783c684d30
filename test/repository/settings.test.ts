import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { channelSchema } from "../../services/routing/domain/config-schema.ts";
import { declaredEnv } from "./declared-env.ts";
import { settingsOf } from "./settings.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Settings whose way the analysis does not see to its end, each with the code that acts on it. That code is looked up, so
 * a row does not outlive it.
 */
const followedByHand: Readonly<Record<string, readonly [file: string, code: string]>> = {
  // The environment is handed over whole and read by name.
  HTTPS_PROXY: ["services/provider-adapter/upstream/proxies.ts", 'proxyAddress(given(env, "HTTPS_PROXY"))'],
  HTTP_PROXY: ["services/provider-adapter/upstream/proxies.ts", '"HTTP_PROXY"'],
  NO_PROXY: ["services/provider-adapter/upstream/proxies.ts", "NO_PROXY"],
  // Sections are read by a variable name.
  groups: ["services/routing/domain/compile.ts", 'compileGroups(merge(sources, "groups", report))'],
  strategies: ["services/routing/domain/compile.ts", 'compileStrategies(merge(sources, "strategies", report), report)'],
  // They come to the rule of a channel's list by the channel's name.
  table: ["services/routing/domain/listed.ts", 'if (table === "") return [];'],
  all: ["services/routing/domain/listed.ts", "if (lists.all && !models.has(name))"],
  ends: ["services/routing/domain/compile.ts", "endOf(vendor?.ends ?? {}, model)"],
  // They become parts of a message to the upstream.
  version: [
    "services/provider-adapter/adapters/anthropic/chat/write-request.ts",
    '"anthropic-version": flavour.version',
  ],
  counts: ["services/provider-adapter/adapters/gemini/index.ts", "...(flavour.counts"],
  call_ids: ["services/provider-adapter/adapters/gemini/chat/write-contents.ts", "callIds ? { id }"],
  category: ["services/provider-adapter/adapters/gemini/flavour.ts", "safetySettings: given.safety_settings"],
  threshold: ["services/provider-adapter/adapters/gemini/flavour.ts", "safetySettings: given.safety_settings"],
  id: ["services/provider-adapter/adapters/bedrock/chat/write-request.ts", "guardrailIdentifier: flavour.guardrail.id"],
  // They go on to the flavour of Gemini's own adapter, under the same names.
  safety_settings: ["services/provider-adapter/adapters/gemini/flavour.ts", "safetySettings: given.safety_settings"],
  voices: ["services/provider-adapter/adapters/gemini/flavour.ts", "voices: given.voices"],
  // TanStack Query says it with every list; its only effect is the refusal of the other way.
  direction: ["gateway/trpc/input.ts", 'z.literal("forward"'],
  // They are rows of the database, read by SQL.
  requests_per_minute: ["services/billing/rpc/account-message.ts", "requests_per_minute: BigInt("],
  concurrent_jobs: ["services/billing/rpc/account-message.ts", "concurrent_jobs: BigInt("],
  concurrent_requests: ["services/billing/rpc/account-message.ts", "concurrent_requests: BigInt("],
};

test("every setting has an effect: something acts on what it says, and does not only carry it on", () => {
  const settings = settingsOf(root);
  // All are found: the declarations of the environment, and the schema of the file, as they are at run time.
  const keys = new Set(settings.map(({ key }) => key));
  const declared = declaredEnv
    .filter(({ file }) => file !== "cli/config.ts")
    .flatMap(({ variables }) => Object.keys(variables));
  expect([...declared, ...Object.keys(channelSchema.shape), "connect_ms"].filter((key) => !keys.has(key))).toEqual([]);

  const idle = settings.filter(({ key, acts }) => !acts && !(key in followedByHand));
  expect(idle.map(({ file, key }) => `${file}: ${key}`)).toEqual([]);
  for (const [key, [file, code]] of Object.entries(followedByHand)) {
    expect([key, readFileSync(join(root, file), "utf8").includes(code)]).toEqual([key, true]);
  }
}, 240_000);
