import type { Channel } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";

/** A channel; of its credentials only where they are. */
export function channelOut(channel: Channel) {
  return {
    name: channel.name,
    adapter: channel.adapter,
    platform: channel.platform,
    base_url: channel.baseUrl,
    models: channel.models.map(({ model, upstreamModel, strategy, space }) => ({
      model,
      upstream_model: upstreamModel,
      strategy,
      space,
    })),
    groups: channel.groups,
    priority: channel.priority,
    weight: channel.weight,
    enabled: channel.enabled,
    from_file: channel.fromFile,
    /** Who runs the lines of batches: our own workers, or its vendor. */
    batches:
      channel.batches === undefined
        ? ("own" as const)
        : {
            by: "vendor" as const,
            price_ratio: channel.batches.priceRatio,
            list_ratio: channel.batches.listRatio,
          },
    request_id_header: channel.requestIdHeader || "x-request-id",
    flavour: channel.flavourJson === "" ? {} : (JSON.parse(channel.flavourJson) as Record<string, unknown>),
    header_names: Object.keys(channel.headers),
    connect_timeout_ms: channel.connectTimeoutMs,
    headers_timeout_ms: channel.headersTimeoutMs,
    chunk_timeout_ms: channel.chunkTimeoutMs,
    first_token_timeout_ms: channel.firstTokenTimeoutMs,
    body_timeout_ms: channel.bodyTimeoutMs,
    credentials: channel.credentials.map(({ source }) => {
      if (source.case === "env") return `env:${source.value}`;
      return source.case === "file" ? `file:${source.value}` : "sealed";
    }),
  };
}
