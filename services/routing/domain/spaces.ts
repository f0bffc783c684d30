import type { ChannelModel } from "./types.ts";

/** A channel that may serve a model, as far as it matters here. */
interface Candidate {
  readonly served: ChannelModel;
  readonly priority: number;
  readonly weight: number;
}

/** Name of the vector space that a channel's vectors of a model are in. */
export function spaceOf({ space, upstreamModel }: ChannelModel): string {
  return space || upstreamModel;
}

/**
 * The vector space of a model: the one with most weight among the channels of the highest priority, of several the first by
 * name. It depends on the configuration alone, never on chance or on who is down: vectors of two spaces do not compare, so a
 * client's vectors must all be of one.
 */
export function spaceAmong(candidates: readonly Candidate[]): string | undefined {
  const top = candidates.reduce((highest, { priority }) => Math.max(highest, priority), Number.NEGATIVE_INFINITY);
  const weights = new Map<string, number>();
  for (const { served, priority, weight } of candidates) {
    const space = spaceOf(served);
    if (priority === top) weights.set(space, (weights.get(space) ?? 0) + weight);
  }
  const [best] = [...weights].sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1));
  return best?.[0];
}
