import type { Channel } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { type ChannelNote, channelOf, readChannelNote } from "./channel-note.ts";
import { credentialMark } from "./domain/credential-mark.ts";
import type { OpenChannel } from "./open-channel.ts";

/** What is noted with a job of the channel that began it. */
export interface Noted {
  /** As channel-note.ts writes it; empty: nothing. */
  readonly note: string;
  /** Mark of the credential that began the job; empty: it was begun without one. */
  readonly credential: string;
}

/** Finds the channel to ask after a job. */
export interface NotedChannels {
  /**
   * The channel that leads to the vendor's account which has the job: the one of today where it does, else the one that was
   * noted. Undefined: there is none any more.
   */
  choose(today: OpenChannel | undefined, noted: Noted): OpenChannel | undefined;
}

/** A credential that lies in a file or in the environment may be renewed, so what was opened is not kept for long. */
const keptMs = 60_000;
/** Channels that are kept open; the oldest goes first. */
const mostKept = 64;
/** Health and metrics tell it from a channel of today that has its name. */
const suffix = ".removed";
const maxNameLength = 64;

/** Creates it. @param open opens a channel; throws where it cannot be used. */
export function createNotedChannels(
  open: (channel: Channel) => OpenChannel,
  nowMs = () => performance.now(),
): NotedChannels {
  const kept = new Map<string, { readonly channel: OpenChannel | undefined; readonly atMs: number }>();

  function openNote(text: string, note: ChannelNote): OpenChannel | undefined {
    const found = kept.get(text);
    if (found !== undefined && nowMs() - found.atMs < keptMs) return found.channel;
    let channel: OpenChannel | undefined;
    try {
      channel = { ...open(channelOf(note)), name: note.name.slice(0, maxNameLength - suffix.length) + suffix };
    } catch {
      // Its credential is gone, or its adapter: whoever asks is told that there is no such channel.
    }
    kept.delete(text);
    kept.set(text, { channel, atMs: nowMs() });
    for (const oldest of kept.keys()) {
      if (kept.size <= mostKept) break;
      kept.delete(oldest);
    }
    return channel;
  }

  return {
    choose(today, { note: text, credential }) {
      const note = text === "" ? undefined : readChannelNote(text);
      if (note === undefined) return today;
      const isSame = today !== undefined && leadsTo(today, note);
      if (isSame && has(today, credential)) return today;
      const before = openNote(text, note);
      // A credential that was renewed in place leads to the same account.
      if (isSame) return before !== undefined && has(before, credential) ? before : today;
      return before ?? (today?.adapterName === note.adapter ? today : undefined);
    },
  };
}

function leadsTo({ adapterName, baseUrl, flavourJson }: OpenChannel, note: ChannelNote): boolean {
  return adapterName === note.adapter && baseUrl === note.url && flavourJson === note.flavour;
}

function has({ credentials }: OpenChannel, mark: string): boolean {
  return mark === "" || credentials.some((one) => credentialMark(one) === mark);
}
