import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { ProviderService } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { createGuard } from "../../shared/outbound/guard.ts";
import type { RunningService } from "../../shared/run-service.ts";
import { openCredential } from "../../shared/sealed-credential.ts";
import { providerSpans } from "../../shared/telemetry/spans/provider.ts";
import { followChannels } from "./channels.ts";
import type { ProviderConfig } from "./config.ts";
import type { ProviderContext, ProviderDeps } from "./context.ts";
import { createTokens } from "./engine/tokens.ts";
import { startListingLooks } from "./listings/listings.ts";
import { createLostGateways } from "./lost-gateways/lost-gateways.ts";
import { createImageFetcher } from "./remote-images/fetch-image.ts";
import { createImageProxy } from "./remote-images/image-proxy.ts";
import { watchFirstTokens } from "./resilience/first-token.ts";
import { createHealth } from "./resilience/health.ts";
import { startReports } from "./resilience/reporter.ts";
import { providerService } from "./rpc/index.ts";
import { createUpstream } from "./upstream/upstream.ts";

/** How long a provider that stops waits for billing and history to take the requests of lost gateways. */
const lostGatewayGraceMs = 10_000;

/** Starts the provider: follows routing's channels and speaks to upstreams. */
export async function startProvider(
  config: ProviderConfig,
  deps: ProviderDeps,
): Promise<RunningService<typeof ProviderService>> {
  const channels = followChannels(deps.routing, {
    env: deps.env,
    pollMs: config.channelPollMs,
    log: deps.log,
    unseal: (channel, sealed) => {
      if (config.credentialKeys === undefined) throw new Error("a sealed credential needs CREDENTIAL_KEY");
      return openCredential(config.credentialKeys, channel, sealed);
    },
  });
  const upstreamOptions = {
    connectTimeoutMs: config.connectTimeoutMs,
    headersTimeoutMs: config.headersTimeoutMs,
    chunkTimeoutMs: config.chunkTimeoutMs,
    bodyTimeoutMs: config.bodyTimeoutMs,
    proxies: config.proxies,
    maxConnectionsPerOrigin: config.maxConnections,
    log: deps.log,
  };
  const upstream = createUpstream(upstreamOptions);
  const results = createUpstream({ ...upstreamOptions, guard: createGuard(deps.imageAccess ?? {}) });
  const health = createHealth({
    probeAfterMs: config.probeAfterMs,
    silenceMs: config.silenceMs,
    random: Math.random,
    onChange: (channel, { open, why, restMs }) =>
      open
        ? deps.log.warn({ channel, why, rest_ms: Math.round(restMs) }, "channel is left out while others are left")
        : deps.log.info({ channel }, "channel is well again"),
  });
  const reports = startReports({
    health,
    routing: deps.routing,
    reporter: `provider@${hostname()}:${randomBytes(6).toString("hex")}`,
    everyMs: config.reportMs,
    log: deps.log,
  });
  const unobserve = deps.metrics.observe("channels_broken", () => health.broken, "provider-adapter");
  const firstToken = watchFirstTokens(config.firstTokenTimeoutMs);
  const images =
    config.imageProxy === undefined
      ? undefined
      : createImageProxy({ ...config.imageProxy, proxies: config.proxies, ...deps.imageAccess });
  const answerImages = createImageFetcher({ ...config.answerImages, proxies: config.proxies, ...deps.imageAccess });
  const spans = providerSpans(deps.tracing);
  const tokens = createTokens({ upstream, log: deps.log, nowMs: Date.now, steadyMs: () => performance.now() });
  const lostGateways = createLostGateways(deps, config.lostGatewayHeadStartMs);
  const context: ProviderContext = {
    ...deps,
    ...{ config, channels, upstream, results, spans, health, firstToken, tokens, images, answerImages, lostGateways },
  };
  const looks = startListingLooks(context);
  return {
    definition: providerService(context),
    ready: async () => channels.known && deps.ids.leaseValid(),
    async stop() {
      await looks.stop();
      channels.stop();
      unobserve();
      await lostGateways.stop(lostGatewayGraceMs);
      await upstream.close();
      await results.close();
      await images?.close();
      await answerImages.close();
      firstToken.stop();
      await reports.stop();
    },
  };
}
