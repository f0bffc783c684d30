import { cliEnv } from "../../cli/config.ts";
import { gatewayEnv } from "../../gateway/config.ts";
import { billingEnv } from "../../services/billing/config.ts";
import { historyEnv } from "../../services/history/config.ts";
import { jobsEnv } from "../../services/jobs/config.ts";
import { providerEnv } from "../../services/provider-adapter/config.ts";
import { routingEnv } from "../../services/routing/config.ts";
import type { Variables } from "../../shared/config-declare.ts";
import { processEnv } from "../../shared/process-env.ts";
import { telemetryEnv } from "../../shared/telemetry/index.ts";

/** Every declaration of environment variables, in the order of the README's tables, with the heading that each has there. */
export const declaredEnv: readonly {
  readonly heading: string;
  readonly file: string;
  readonly variables: Variables;
}[] = [
  { heading: "`up`, `mesh` and the command line", file: "cli/config.ts", variables: cliEnv.variables },
  { heading: "The gateway", file: "gateway/config.ts", variables: gatewayEnv.variables },
  { heading: "Every service process", file: "shared/process-env.ts", variables: processEnv.variables },
  { heading: "Routing", file: "services/routing/config.ts", variables: routingEnv.variables },
  { heading: "Billing", file: "services/billing/config.ts", variables: billingEnv.variables },
  { heading: "The provider", file: "services/provider-adapter/config.ts", variables: providerEnv.variables },
  { heading: "History", file: "services/history/config.ts", variables: historyEnv.variables },
  { heading: "Jobs", file: "services/jobs/config.ts", variables: jobsEnv.variables },
  { heading: "Traces", file: "shared/telemetry/config.ts", variables: telemetryEnv.variables },
];
