import type { Client } from "@grpc/grpc-js";

/** The gRPC channels of one client, one at a time and then the next. */
export interface GrpcChannels {
  /** A hold on the channel to use now. One of age is replaced as soon as the next one is connected. */
  lease(): ChannelLease;
  /** Closes them all, also those in use. */
  close(): void;
}

/** A channel in use by a lane or a call: it stays open until it was released. */
export interface ChannelLease {
  readonly client: Client;
  /** The peer is leaving: the next lease looks up the addresses anew. */
  leaving(): void;
  release(): void;
}

/** A channel this young has looked up its addresses just now. */
const freshMs = 1_000;

interface Channel {
  readonly client: Client;
  readonly bornMs: number;
  readonly maxAgeMs: number;
  leases: number;
}

/**
 * Replaces a channel at `maxAgeMs`, give or take a tenth, and when a peer leaves. One of age serves until the next one is
 * connected: while certificates are replaced, one side may have the new authority before the other, and for that time no new
 * connection can be made. grpc-js reads DNS again only when a
 * connection ends, so without this new pods would get no traffic. The usual way, a server that sends GOAWAY at an age,
 * cuts what runs: Node cancels pings on a session that is closing, and the keepalive of grpc-js (1.14.7, transport.js)
 * takes a cancelled ping for a dead connection. So here nobody closes a connection that has calls on it.
 */
export function createGrpcChannels(open: () => Client, maxAgeMs: number): GrpcChannels {
  const channels = new Set<Channel>();
  let current: Channel | undefined;
  /** Connects, to take the place of one of age. */
  let next: Channel | undefined;

  function closeIfDone(channel: Channel): void {
    if (channel === current || channel === next || channel.leases > 0 || !channels.delete(channel)) return;
    channel.client.close();
  }

  function made(): Channel {
    const channel = {
      client: open(),
      bornMs: performance.now(),
      maxAgeMs: maxAgeMs * (0.9 + Math.random() * 0.2),
      leases: 0,
    };
    channels.add(channel);
    return channel;
  }

  function replaceBy(channel: Channel): Channel {
    const replaced = [current, next];
    current = channel;
    next = undefined;
    for (const old of replaced) if (old !== undefined) closeIfDone(old);
    return channel;
  }

  function prepareNext(): void {
    if (next !== undefined) return;
    const prepared = made();
    next = prepared;
    prepared.client.waitForReady(Number.POSITIVE_INFINITY, (error) => {
      if (error === undefined && prepared === next) replaceBy(prepared);
    });
  }

  const ageMs = (channel: Channel): number => performance.now() - channel.bornMs;

  return {
    lease() {
      const channel = current ?? replaceBy(made());
      if (ageMs(channel) > channel.maxAgeMs) prepareNext();
      channel.leases += 1;
      let released = false;
      return {
        client: channel.client,
        leaving() {
          if (channel === current && ageMs(channel) > freshMs) replaceBy(made());
        },
        release() {
          if (released) return;
          released = true;
          channel.leases -= 1;
          closeIfDone(channel);
        },
      };
    },
    close() {
      for (const { client } of channels) client.close();
      channels.clear();
    },
  };
}
