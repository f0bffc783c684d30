import type { Env } from "../../shared/config.ts";
import type { RoutingService } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import type { Log } from "../../shared/log.ts";
import type { OutboundAccess } from "../../shared/outbound/guard.ts";
import type { RequestIdSource } from "../../shared/request-id.ts";
import type { ServiceClient } from "../../shared/rpc/index.ts";
import type { Metrics, Tracing } from "../../shared/telemetry/index.ts";
import type { ProviderSpans } from "../../shared/telemetry/spans/provider.ts";
import type { Channels } from "./channels.ts";
import type { ProviderConfig } from "./config.ts";
import type { Tokens } from "./engine/tokens.ts";
import type { LostGatewayDeps, LostGateways } from "./lost-gateways/lost-gateways.ts";
import type { ImageFetcher } from "./remote-images/fetch-image.ts";
import type { ImageProxy } from "./remote-images/image-proxy.ts";
import type { FirstTokenWatch } from "./resilience/first-token.ts";
import type { Health } from "./resilience/health.ts";
import type { Upstream } from "./upstream/upstream.ts";

/** What the provider is given. */
export interface ProviderDeps {
  readonly log: Log;
  readonly tracing: Tracing;
  readonly metrics: Metrics;
  readonly routing: ServiceClient<typeof RoutingService>;
  /** For the requests of gateways that were lost. */
  readonly billing: LostGatewayDeps["billing"];
  readonly history: LostGatewayDeps["history"];
  /** Issues attempt IDs. */
  readonly ids: RequestIdSource;
  /** Where credentials that are referred to by name are. */
  readonly env: Env;
  /** For tests alone: what the image proxy may reach beside the public internet. */
  readonly imageAccess?: OutboundAccess;
}

/** What every RPC works with. */
export interface ProviderContext extends ProviderDeps {
  readonly config: ProviderConfig;
  readonly channels: Channels;
  readonly upstream: Upstream;
  /** For what upstreams keep on other hosts than their own: it connects to public addresses alone. */
  readonly results: Upstream;
  readonly spans: ProviderSpans;
  /** Which channels are well. */
  readonly health: Health;
  readonly firstToken: FirstTokenWatch;
  /** What credentials were exchanged for. */
  readonly tokens: Tokens;
  readonly lostGateways: LostGateways;
  /** Undefined: switched off. */
  readonly images: ImageProxy | undefined;
  /** Fetches what answers of upstreams name by an address, where the client wants data. */
  readonly answerImages: ImageFetcher;
}
