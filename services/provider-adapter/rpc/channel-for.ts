import { ThroughlineError } from "../../../shared/errors/error.ts";
import { type InvokeItem, JobAction } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { OpenChannel } from "../channels.ts";
import type { ProviderContext } from "../context.ts";
import { readLocator } from "../domain/job-locator.ts";

type Channels = ProviderContext["channels"];

/** The channel of that name; of a job that it has begun the one that leads to it. Undefined: nothing does any more. */
export function channelFor(
  { job, configVersion }: InvokeItem,
  name: string,
  channels: Channels,
): OpenChannel | Promise<OpenChannel | undefined> {
  if (job === undefined || job.vendorJobId === "") return channels.find(name, configVersion);
  return jobChannelFor(job, configVersion, name, channels);
}

async function jobChannelFor(
  { locator, action }: NonNullable<InvokeItem["job"]>,
  configVersion: InvokeItem["configVersion"],
  name: string,
  channels: Channels,
): Promise<OpenChannel | undefined> {
  const { channel: note, credential } = readLocator(locator);
  const found = await channels.findNoted(name, configVersion, { note, credential });
  // A job that goes on from an earlier one is new work, which is for the channels of today.
  if (action === JobAction.START && found?.name !== name) {
    throw new ThroughlineError("invalid_value", "The upstream that has this video is not in use any more.", {
      param: "id",
    });
  }
  return found;
}
