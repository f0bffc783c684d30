import type { Client } from "@grpc/grpc-js";

/** The gRPC channels of one client, one at a time and then the next. */
export interface GrpcChannels {
  /** A hold on the channel to use now; one of age is replaced first. */
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
 * Replaces a channel at `maxAgeMs`, give or take a tenth, and when a peer leaves. grpc-js reads DNS again only when a
 * connection ends, so without this new pods would get no traffic. The usual way, a server that sends GOAWAY at an age,
 * cuts what runs: Node cancels pings on a session that is closing, and the keepalive of grpc-js (1.14.7, transport.js)
 * takes a cancelled ping for a dead connection. So here nobody closes a connection that has calls on it.
 */
export function createGrpcChannels(open: () => Client, maxAgeMs: number): GrpcChannels {
  const channels = new Set<Channel>();
  let current: Channel | undefined;

  function closeIfDone(channel: Channel): void {
    if (channel === current || channel.leases > 0 || !channels.delete(channel)) return;
    channel.client.close();
  }

  function replace(): Channel {
    const old = current;
    current = {
      client: open(),
      bornMs: performance.now(),
      maxAgeMs: maxAgeMs * (0.9 + Math.random() * 0.2),
      leases: 0,
    };
    channels.add(current);
    if (old !== undefined) closeIfDone(old);
    return current;
  }

  const ageMs = (channel: Channel): number => performance.now() - channel.bornMs;

  return {
    lease() {
      const channel = current === undefined || ageMs(current) > current.maxAgeMs ? replace() : current;
      channel.leases += 1;
      let released = false;
      return {
        client: channel.client,
        leaving() {
          if (channel === current && ageMs(channel) > freshMs) replace();
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
