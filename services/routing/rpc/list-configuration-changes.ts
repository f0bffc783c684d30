import { basename } from "node:path";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  ListConfigurationChangesRequest,
  ListConfigurationChangesResponse,
} from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import type { RoutingContext } from "../context.ts";
import { readLoaded } from "../db/configuration.ts";
import { configurationChange } from "../domain/configuration-change.ts";

const mostChanges = 20;

/** ListConfigurationChanges: whoever knows the newest version is answered from memory. */
export function listConfigurationChanges({ db, live }: RoutingContext) {
  return unaryHandler<ListConfigurationChangesRequest, ListConfigurationChangesResponse>(
    async ({ afterVersion: after, beforeVersion: before, limit }) => {
      if (limit < 1 || limit > mostChanges) {
        throw new ThroughlineError("invalid_value", `limit must be a whole number from 1 to ${mostChanges}.`, {
          param: "limit",
        });
      }
      const newestVersion = live.current().configVersion;
      if (after >= newestVersion) return { newestVersion };
      const loaded = await readLoaded(db, { after, before, limit });
      const changes = loaded.map(({ version, digest, appliedBy, appliedAtUs, configuration, before: earlier }) => {
        const change = configurationChange(earlier, configuration);
        return {
          ...{ version, digest, source: basename(appliedBy), appliedUnixUs: appliedAtUs },
          ...{ beforeJson: change.before, afterJson: change.after },
        };
      });
      return { changes, newestVersion };
    },
  );
}
