import type { z } from "zod";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type {
  Channel as ChannelMessage,
  PutChannelRequest,
  PutChannelResponse,
} from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import type { RoutingContext } from "../context.ts";
import { putRuntimeChannel } from "../db/runtime-channels.ts";
import { compileChannel } from "../domain/compile-channel.ts";
import { type ChannelConfig, channelSchema } from "../domain/config-schema.ts";
import { seal } from "../domain/credentials.ts";
import { unfilledPlaceholders } from "../domain/placeholders.ts";
import { pricesNotAsWritten } from "../domain/price-table.ts";
import { type Path, pathText } from "../domain/problems.ts";
import { schemaProblems } from "../domain/schema-problems.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import type { Channel, CredentialRef } from "../domain/types.ts";
import { channelMessage } from "./channel-message.ts";

/** PutChannel: held to the same rules as a channel of the file, and in use by every replica within a second. */
export function putChannel(context: RoutingContext) {
  const { db, live, prices, log } = context;
  return unaryHandler<PutChannelRequest, PutChannelResponse>(async ({ channel, newCredential }) => {
    if (channel === undefined)
      throw new ThroughlineError("missing_required_field", "channel is missing.", { param: "channel" });
    const { snapshot } = live.current();
    const config = check(channel, snapshot);
    const {
      channel: compiled,
      strategies,
      problems,
      warnings,
    } = compileChannel(config, {
      models: snapshot.models,
      names: snapshot.names,
      groups: snapshot.groups,
      strategies: configured(snapshot),
      prices,
      lenient: false,
    });
    const [problem] = problems;
    if (problem !== undefined) throw invalid(problem.path, problem.message);
    if (warnings.length > 0) log.warn({ channel: compiled.name, warnings }, pricesNotAsWritten);
    const stored = await putRuntimeChannel(db, compiled.name, (before) => ({
      channel: { ...compiled, credentials: credentials(context, compiled, before, newCredential) },
      strategies,
    }));
    await live.refresh();
    return { channel: channelMessage(stored, { secret: false }) };
  });
}

/** The channel as the file would have it, checked. */
function check(channel: ChannelMessage, snapshot: Snapshot): ChannelConfig {
  if (snapshot.channels.some(({ name, fromFile }) => fromFile && name === channel.name)) {
    throw invalid(["name"], `"${channel.name}" is defined by the configuration; change it there`);
  }
  for (const [i, { source }] of channel.credentials.entries()) {
    // Somebody who may enter channels could otherwise send any variable or file of the provider to a server of their own.
    if (source.case === "env" || source.case === "file") {
      throw invalid(["credentials", i], "must not refer to the environment or a file at run time: use new_credential");
    }
  }
  const written = {
    name: channel.name,
    adapter: channel.adapter,
    ...(channel.platform === "" ? {} : { platform: channel.platform }),
    base_url: channel.baseUrl,
    models: channel.models.map(({ model, upstreamModel, strategy, space }) => ({
      name: model,
      ...(upstreamModel === "" ? {} : { upstream: upstreamModel }),
      ...(strategy === "" ? {} : { strategy }),
      ...(space === "" ? {} : { space }),
    })),
    ...(channel.groups.length === 0 ? {} : { groups: channel.groups }),
    priority: channel.priority,
    weight: channel.weight,
    enabled: channel.enabled,
    timeouts: {
      ...(channel.connectTimeoutMs === 0 ? {} : { connect_ms: channel.connectTimeoutMs }),
      ...(channel.headersTimeoutMs === 0 ? {} : { headers_ms: channel.headersTimeoutMs }),
      ...(channel.chunkTimeoutMs === 0 ? {} : { chunk_ms: channel.chunkTimeoutMs }),
      ...(channel.firstTokenTimeoutMs === 0 ? {} : { first_token_ms: channel.firstTokenTimeoutMs }),
      ...(channel.bodyTimeoutMs === 0 ? {} : { body_ms: channel.bodyTimeoutMs }),
    },
    headers: { ...channel.headers },
    batches: batchesOf(channel),
    request_id_header: channel.requestIdHeader,
    flavour: flavour(channel.flavourJson),
  } satisfies z.input<typeof channelSchema>;
  const [unfilled] = unfilledPlaceholders(written);
  if (unfilled !== undefined) throw invalid(unfilled.path, "has a placeholder left in it");
  const checked = channelSchema.safeParse(written);
  if (checked.success) return checked.data;
  const [problem] = schemaProblems(checked.error);
  throw invalid(problem?.path ?? [], problem?.message ?? "is wrong");
}

/** As the file would have it. */
function batchesOf({ batches }: ChannelMessage) {
  if (batches === undefined) return "own" as const;
  const { priceRatio, listRatio } = batches;
  return {
    by: "vendor" as const,
    ...(priceRatio === "" ? {} : { price_ratio: priceRatio }),
    ...(listRatio === "" ? {} : { list_ratio: listRatio }),
  };
}

function flavour(json: string): Record<string, unknown> {
  if (json === "") return {};
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Told below, in words that name the field.
  }
  throw invalid(["flavour"], "must be a JSON object");
}

/** Strategies that a channel may name: those of the configuration, not those that the price table gave. */
function configured({ configuration }: Snapshot) {
  return new Map(
    configuration.strategies
      .filter(({ key, name }) => key === name && !key.startsWith("table:"))
      .map((s) => [s.key, s]),
  );
}

/** The new credentials, sealed, one a line; without any, those that the channel has. */
function credentials(
  { credentialKeys }: RoutingContext,
  channel: Channel,
  before: Channel | undefined,
  newCredential: string,
): readonly CredentialRef[] {
  const entered = newCredential
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (entered.length === 0) {
    const kept = before?.credentials ?? [];
    // A kept credential must not go to another server by a change of the address: it could be read there.
    if (kept.length > 0 && before !== undefined && new URL(before.baseUrl).origin !== new URL(channel.baseUrl).origin) {
      throw new ThroughlineError(
        "invalid_value",
        "new_credential must be given again when the server of base_url changes.",
        {
          param: "new_credential",
        },
      );
    }
    return kept;
  }
  if (credentialKeys === undefined) {
    throw new ThroughlineError(
      "invalid_value",
      "This deployment has no CREDENTIAL_KEY, so it takes no credentials at run time.",
      {
        param: "new_credential",
      },
    );
  }
  return entered.map((credential) => seal(credentialKeys, channel.name, credential));
}

/** Names of the contract's fields where the file's differ. */
const contractNames: Readonly<Record<string, string>> = {
  connect_ms: "connect_timeout_ms",
  headers_ms: "headers_timeout_ms",
  chunk_ms: "chunk_timeout_ms",
  first_token_ms: "first_token_timeout_ms",
  body_ms: "body_timeout_ms",
  upstream: "upstream_model",
  flavour: "flavour_json",
};

function invalid(path: Path, message: string): ThroughlineError {
  const inModel = path[0] === "models";
  const renamed = path
    .filter((part) => part !== "timeouts")
    .map((part) => (inModel && part === "name" ? "model" : (contractNames[part] ?? part)));
  const param = pathText(["channel", ...renamed]);
  return new ThroughlineError("invalid_value", `${param} ${message}.`, { param });
}
