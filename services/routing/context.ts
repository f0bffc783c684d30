import type { Log } from "../../shared/log.ts";
import type { CredentialKeys } from "../../shared/sealed-credential.ts";
import type { RoutingSpans } from "../../shared/telemetry/index.ts";
import type { RoutingDatabase } from "./db/open.ts";
import type { PriceTable } from "./domain/price-table.ts";
import type { Follower } from "./live/follow.ts";

/** What routing's handlers stand on. */
export interface RoutingContext {
  readonly db: RoutingDatabase;
  /** The snapshot that follows the database. */
  readonly live: Follower;
  readonly spans: RoutingSpans;
  readonly log: Log;
  /** Prices of models that the configuration does not price. */
  readonly prices: PriceTable;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Length of a node lease, milliseconds. */
  readonly nodeLeaseMs: number;
  /** Time between two looks at an upstream's list of models, milliseconds. 0: none is read. */
  readonly listEveryMs: number;
  /** Undefined: no credential can be entered at run time. */
  readonly credentialKeys: CredentialKeys | undefined;
}
