import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adminKey } from "../administration.ts";
import { type Deployment, eventually, startDeployment } from "../deployment.ts";

/** A deployment on which the modules are tried, one after the other. */
export interface ModulesHouse extends Deployment {
  /** Folder where its gateway keeps uploads while they pass. */
  readonly spool: string;
}

/** For embeddings: one model in one vector space at two channels, one whose channels have different spaces, and one with an extraction. */
const embeddingModels = (simulator: string) => `
strategies:
  - { name: house, prices: { input: "1.00" }, custom_response: "{vectors: data.count, tokens: usage.total_tokens}" }
models:
  - { name: together, module: embeddings, strategy: house, capabilities: [dimensions] }
  - { name: apart, module: embeddings, strategy: house, capabilities: [] }
channels:
  - name: failing
    adapter: openai
    base_url: ${simulator}
    groups: "*"
    priority: 9
    models:
      - { name: together, upstream: sim-embed-wrong-count, space: one }
      - { name: apart, upstream: sim-embed-wrong-count }
  - name: sound
    adapter: openai
    base_url: ${simulator}
    groups: "*"
    models:
      - { name: together, upstream: good, space: one }
      - { name: apart, upstream: good }
`;

/** Starts six processes over gRPC, through which all that a module says must be written and read. */
export async function startModulesHouse(): Promise<ModulesHouse> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "throughline-modules-"));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const spool = await mkdtemp(join(folder, "spool-"));
  const file = join(folder, "throughline.yaml");
  await writeFile(file, "presets: true\n");
  const house = undo.use(
    await startDeployment("mesh", {
      SPOOL_DIR: spool,
      THROUGHLINE_CONFIG: file,
      THROUGHLINE_ADMIN_KEY: adminKey,
      WEBHOOK_ALLOW: "127.0.0.1",
      BATCH_PRICE_RATIO: "0.5",
      LOG_LEVEL: "warn",
    }),
  );
  await writeFile(file, embeddingModels(`${house.simulator.url}/v1`));
  await eventually(async () => ((await house.call("/v1/models/together")).ok ? true : undefined));
  const held = undo.move();
  return { ...house, spool, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
