import { type Env, envOptional } from "../shared/config.ts";
import type { ServiceProcess } from "../shared/run-process.ts";
import { adminKeyFile } from "./admin-key.ts";
import { cliEnv } from "./config.ts";
import type { GivenKeys } from "./default-account.ts";
import { openDataFolder, openSecrets } from "./state.ts";
import type { WelcomeKeys } from "./welcome.ts";

/** What `up` and `mesh` stand on. */
export interface Ground {
  /** The environment for the services: database, simulator and secrets filled in where they were not given. */
  readonly env: Env;
  readonly dataFolder: string;
  /** The keys of the first account. */
  readonly keys: GivenKeys;
  /** What the welcome says of them, when the key was made or not. */
  welcomeKeys(made: string | undefined): WelcomeKeys;
}

/** Opens the data folder, the database and the simulator. What is given is not loaded: `mesh` itself needs no database. */
export async function openGround(
  { env, logFor }: Pick<ServiceProcess, "env" | "logFor">,
  onStop: (name: string, run: () => Promise<void>) => void,
): Promise<Ground> {
  const read = cliEnv.read(env);
  const dataFolder = openDataFolder(read.THROUGHLINE_DATA);
  const secrets = openSecrets(dataFolder);
  let databaseUrl = read.DATABASE_URL;
  if (databaseUrl === undefined) {
    const { startEmbeddedPostgres } = await import("../shared/db/embedded/start.ts");
    const postgres = await startEmbeddedPostgres({ dataDir: dataFolder, log: logFor("postgres") });
    onStop("postgres", () => postgres.stop());
    databaseUrl = postgres.url;
  }
  let simulatorUrl = envOptional(env, "SIMULATOR_URL");
  if (simulatorUrl === undefined) {
    const { createSimulator } = await import("../services/simulator/simulator.ts");
    const simulator = await createSimulator({ host: "127.0.0.1", port: 0, log: logFor("simulator") });
    onStop("simulator", () => simulator.close());
    simulatorUrl = `${simulator.url}/v1`;
  }
  return {
    env: {
      ...env,
      KEY_PEPPER: envOptional(env, "KEY_PEPPER") ?? secrets.keyPepper,
      CREDENTIAL_KEY: envOptional(env, "CREDENTIAL_KEY") ?? secrets.credentialKey,
      GRPC_SECRET: envOptional(env, "GRPC_SECRET") ?? secrets.grpcSecret,
      DATABASE_URL: databaseUrl,
      SIMULATOR_URL: simulatorUrl,
    },
    dataFolder,
    keys: { secret: read.THROUGHLINE_BOOTSTRAP_KEY, adminSecret: read.THROUGHLINE_ADMIN_KEY, dataFolder },
    welcomeKeys: (made) => ({
      made,
      given: read.THROUGHLINE_BOOTSTRAP_KEY !== undefined,
      adminKeyFile: read.THROUGHLINE_ADMIN_KEY === undefined ? adminKeyFile(dataFolder) : undefined,
    }),
  };
}
