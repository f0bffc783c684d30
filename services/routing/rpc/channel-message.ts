import { create } from "@bufbuild/protobuf";
import {
  type Channel as ChannelMessage,
  ChannelSchema,
} from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { formatUsd } from "../../../shared/money/usd.ts";
import { wholeList } from "../domain/config-schema.ts";
import type { SnapshotChannel } from "../domain/snapshot.ts";
import type { Channel, CredentialRef } from "../domain/types.ts";
import { vendorBatches } from "../domain/vendor-batches.ts";

/** A channel as the contract has it. `secret: false` leaves out what is in sealed credentials. */
export function channelMessage(channel: SnapshotChannel | Channel, { secret }: { secret: boolean }): ChannelMessage {
  return create(ChannelSchema, {
    name: channel.name,
    adapter: channel.adapter,
    platform: channel.platform,
    baseUrl: channel.baseUrl,
    credentials: channel.credentials.map((credential) => ({ source: sourceOf(credential, secret) })),
    requestIdHeader: channel.requestIdHeader,
    headers: { ...channel.headers },
    flavourJson: Object.keys(channel.flavour).length === 0 ? "" : JSON.stringify(channel.flavour),
    connectTimeoutMs: channel.connectTimeoutMs,
    headersTimeoutMs: channel.headersTimeoutMs,
    chunkTimeoutMs: channel.chunkTimeoutMs,
    firstTokenTimeoutMs: channel.firstTokenTimeoutMs ?? 0,
    bodyTimeoutMs: channel.bodyTimeoutMs ?? 0,
    enabled: channel.enabled,
    priority: channel.priority,
    weight: channel.weight,
    groups: [...channel.groups],
    models: [
      ...channel.models.map(({ model, upstreamModel, strategy, space = "" }) => ({
        model,
        upstreamModel,
        strategy,
        space,
      })),
      ...(channel.lists?.asks === true
        ? [{ model: wholeList, upstreamModel: wholeList, strategy: channel.lists.strategy, space: "" }]
        : []),
    ],
    ...batchesMessage(channel),
    fromFile: "fromFile" in channel && channel.fromFile,
  });
}

/** Both parts as the configuration writes them, so that what is read can be entered again. */
function batchesMessage({ adapter, batches }: SnapshotChannel | Channel) {
  if (batches === undefined) return {};
  const { priceRatioPpm, listRatioPpm = vendorBatches(adapter)?.listRatioPpm } = batches;
  return {
    batches: {
      priceRatio: ratioText(priceRatioPpm),
      listRatio: listRatioPpm === undefined ? "" : ratioText(listRatioPpm),
    },
  };
}

function ratioText(ppm: number): string {
  return formatUsd(BigInt(ppm) * 1_000n);
}

function sourceOf(credential: CredentialRef, secret: boolean) {
  if ("env" in credential) return { case: "env", value: credential.env } as const;
  if ("file" in credential) return { case: "file", value: credential.file } as const;
  const value = secret ? new Uint8Array(Buffer.from(credential.sealed, "base64")) : new Uint8Array();
  return { case: "sealed", value } as const;
}
