import { z } from "zod";
import { channelOut } from "../view/channel.ts";
import { healthOut } from "../view/channel-health.ts";
import { present } from "../view/payer.ts";
import { name, text } from "./input.ts";
import { callOptions, platformRead, platformWrite, router } from "./procedures.ts";

const milliseconds = z.int().min(0).max(4_294_967_295).default(0);

const ratio = text.max(20).default("");
/** Who runs the lines of batches, as the file has it. */
const batchesBy = z.enum(["own", "vendor"]);
const batches = z.union([
  batchesBy,
  z.strictObject({
    by: batchesBy,
    /** What clients pay for a line, as a part of what the request costs at once: a decimal; empty: 0.5. */
    price_ratio: ratio,
    /** What a line costs by the vendor's own list, likewise; empty: what the vendor is known for. */
    list_ratio: ratio,
  }),
]);

/** As the contract has it: absent where our own workers run them. */
function batchesIn(given: z.output<typeof batches>) {
  const {
    by,
    price_ratio: priceRatio = "",
    list_ratio: listRatio = "",
  } = typeof given === "string" ? { by: given } : given;
  return by === "own" ? {} : { batches: { priceRatio, listRatio } };
}

const channelInput = z.strictObject({
  name,
  adapter: name,
  platform: text.max(200).default(""),
  base_url: z.url({ protocol: /^https?$/ }),
  models: z
    .array(
      z.strictObject({
        model: name,
        upstream_model: text.max(200).default(""),
        strategy: text.max(200).default(""),
        /** Vector space of its embeddings; empty: the name sent upstream. */
        space: text.max(200).default(""),
      }),
    )
    .min(1)
    .max(1_000),
  groups: z.array(name).max(1_000).default([]),
  priority: z.int().min(-1_000_000).max(1_000_000).default(0),
  weight: z.int().min(0).max(1_000_000).default(1),
  enabled: z.boolean().default(true),
  /** Who runs the lines of batches. */
  batches: batches.default("own"),
  request_id_header: text.max(200).default(""),
  headers: z.record(text, text).default({}),
  /** Quirks of the vendor as data. */
  flavour: z.record(z.string(), z.unknown()).default({}),
  connect_timeout_ms: milliseconds,
  headers_timeout_ms: milliseconds,
  chunk_timeout_ms: milliseconds,
  first_token_timeout_ms: milliseconds,
  body_timeout_ms: milliseconds,
});

/** Channels: upstream accounts. Credentials go in, sealed at rest, and never come out. */
export const channels = router({
  /** All channels with their health. */
  list: platformRead.query(async ({ ctx }) => {
    const listed = await ctx.gateway.routing.listChannels({}, callOptions(ctx));
    const nowUnixMs = Date.now();
    const health = new Map(listed.health.map((entry) => [entry.channel, entry]));
    return {
      channels: listed.channels.map((channel) => ({
        ...channelOut(channel),
        health: healthOut(health.get(channel.name), nowUnixMs),
      })),
    };
  }),

  /** Creates or replaces a run-time channel; without `new_credential` it keeps those that it has. */
  put: platformWrite
    .input(z.strictObject({ channel: channelInput, new_credential: text.max(16_384).default("") }))
    .mutation(async ({ ctx, input: { channel, new_credential } }) => {
      const stored = await ctx.gateway.routing.putChannel(
        {
          channel: {
            name: channel.name,
            adapter: channel.adapter,
            platform: channel.platform,
            baseUrl: channel.base_url,
            models: channel.models.map((model) => ({
              model: model.model,
              upstreamModel: model.upstream_model,
              strategy: model.strategy,
              space: model.space,
            })),
            groups: channel.groups,
            priority: channel.priority,
            weight: channel.weight,
            enabled: channel.enabled,
            ...batchesIn(channel.batches),
            requestIdHeader: channel.request_id_header,
            headers: channel.headers,
            flavourJson: JSON.stringify(channel.flavour),
            connectTimeoutMs: channel.connect_timeout_ms,
            headersTimeoutMs: channel.headers_timeout_ms,
            chunkTimeoutMs: channel.chunk_timeout_ms,
            firstTokenTimeoutMs: channel.first_token_timeout_ms,
            bodyTimeoutMs: channel.body_timeout_ms,
          },
          newCredential: new_credential,
        },
        callOptions(ctx),
      );
      ctx.gateway.routes.forget();
      return channelOut(present(stored.channel));
    }),

  /** Removes a run-time channel; a repeat is fine. */
  delete: platformWrite.input(z.strictObject({ name })).mutation(async ({ ctx, input }) => {
    await ctx.gateway.routing.deleteChannel(input, callOptions(ctx));
    ctx.gateway.routes.forget();
    return { name: input.name };
  }),
});
