import type { JobsContext } from "../context.ts";
import { type Loop, startLoop } from "../runner/loop.ts";
import { announce } from "./announce.ts";
import { readPlatformListeners } from "./db/endpoints.ts";
import { endOutage, noteTold, type Outage, readOver, seeOut } from "./db/outages.ts";
import { patternsOf } from "./domain/event-types.ts";

const types = ["alert.channel_out", "alert.channel_back"] as const;
const callTimeoutMs = 5_000;
/** Accounts of operators that are told. */
const mostAccounts = 100;

/**
 * Looks at channels again and again, and sends the alerts that are due: one for each outage that lasts, and one for its end. Each
 * is sent once, whoever looks. Providers report the state of their breakers to routing in any case, so the hot path knows nothing
 * of this; routing is asked where an operator wants to hear of channels. An outage is a row that all processes of jobs see, and its
 * beginning names the events.
 */
export function startChannelWatch(
  context: Pick<JobsContext, "db" | "courier" | "routing" | "config" | "log">,
): Pick<Loop, "stop"> {
  const { db, routing, config } = context;

  async function tell(type: (typeof types)[number], outage: Outage, more: object): Promise<void> {
    const { channel, since_unix_ms: since } = outage;
    for (const accountId of await readPlatformListeners(db, patternsOf(type), mostAccounts)) {
      await announce(context, {
        ...{ accountId, type, requestId: 0n, traceparent: "", toCallback: false, platformOnly: true },
        source: `${type} ${channel} ${since} account ${accountId}`,
        data: { id: `channel_${channel}`, channel, since: Math.floor(Number(since) / 1_000), ...more },
      });
    }
  }

  async function look(): Promise<void> {
    const listeners = await readPlatformListeners(db, types.flatMap(patternsOf), 1);
    if (listeners.length === 0) return;
    const asked = { requestId: 0n, traceparent: "", timeoutMs: callTimeoutMs };
    const { channels, health } = await routing.listChannels({}, asked);
    const platforms = new Map(channels.filter(({ enabled }) => enabled).map(({ name, platform }) => [name, platform]));
    const out = health.filter(({ open, channel }) => open && platforms.has(channel)).map(({ channel }) => channel);
    for (const outage of await seeOut(db, out, config.webhooks.channelOutAfterMs)) {
      await tell("alert.channel_out", outage, { platform: platforms.get(outage.channel) ?? "" });
      await noteTold(db, outage);
    }
    for (const outage of await readOver(db, out, config.webhooks.channelBackAfterMs)) {
      if (outage.is_told) await tell("alert.channel_back", outage, { removed: !platforms.has(outage.channel) });
      await endOutage(db, outage);
    }
  }

  return startLoop(context.log, async () => {
    await look();
    return config.webhooks.channelsEveryMs;
  });
}
