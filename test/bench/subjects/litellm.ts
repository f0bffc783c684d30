import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Ground } from "./ground.ts";
import { standing } from "./others.ts";
import { installed, type PythonPackage } from "./python.ts";
import type { Subject } from "./subject.ts";

const proxy: PythonPackage = { name: "litellm", extra: "proxy", version: "1.108.7", oldestMinor: 10 };
const workers = 2;
const key = "sk-bench";

/** What its users write: a model behind the router, and a key. */
function configuration({ upstream }: Ground): string {
  return stringify({
    model_list: [
      {
        model_name: "gpt-4o-mini",
        litellm_params: {
          model: "openai/gpt-4o-mini",
          api_base: `http://${upstream.host}:${upstream.port}/v1`,
          api_key: key,
        },
      },
    ],
    general_settings: { master_key: key },
    litellm_settings: { telemetry: false },
  });
}

/** LiteLLM's proxy from PyPI, as its users start it: a configuration, a worker for each of two cores, no database. */
export async function litellm(ground: Ground, say: (text: string) => void): Promise<Subject> {
  const { folder, python } = await installed(proxy, say);
  const file = join(ground.folder, "litellm.yaml");
  await writeFile(file, configuration(ground));
  return standing(
    {
      name: "litellm",
      what: `LiteLLM ${proxy.version} from PyPI on Python ${python}, ${workers} workers; key, router and costs in memory`,
      leavesOff: "database, ledger, history, budgets, traces, metrics (a line a request in the log of its server)",
      warmUpAtMost: 1_000,
    },
    1,
    (port) => {
      const where = ["--host", "127.0.0.1", "--port", String(port)];
      const child = ground.spawn("litellm", {
        command: join(folder, "bin", "litellm"),
        // Its server ends workers that say nothing for 5 s, as they do while they load it on a busy machine.
        args: ["--config", file, ...where, "--num_workers", String(workers), "--timeout_worker_healthcheck", "60"],
        // Its table of prices otherwise comes from the network at each start.
        env: { HOME: ground.folder, LITELLM_LOCAL_MODEL_COST_MAP: "True" },
      });
      return { child, target: { host: "127.0.0.1", port, headers: { authorization: `Bearer ${key}` } } };
    },
    { withChildren: true },
  );
}
