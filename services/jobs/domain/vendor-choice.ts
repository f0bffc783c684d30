/** An upstream of a route, as far as the choice needs it. */
interface Candidate {
  readonly channel: string;
  readonly upstreamModel: string;
  /** Absent: its channel has no batches of its vendor. */
  readonly batch?: { readonly oneModel: boolean; readonly mostLines: number } | undefined;
}

/**
 * The channel whose vendor can run a batch as one of its own: it serves every route of the batch, and the batch is within what its
 * vendor takes. Of several the one that comes first for the first line. Undefined: there is none.
 */
export function vendorChannelOf(
  routes: readonly { readonly candidates: readonly Candidate[] }[],
  lines: number,
): string | undefined {
  const [first, ...others] = routes;
  return first?.candidates.find((candidate) => {
    const { batch, channel, upstreamModel } = candidate;
    if (batch === undefined || lines > batch.mostLines) return false;
    return others.every((route) => {
      const same = candidateOf(route, channel);
      return same?.batch !== undefined && (!batch.oneModel || same.upstreamModel === upstreamModel);
    });
  })?.channel;
}

/** The candidate of a route that is this channel. */
export function candidateOf<C extends { readonly channel: string }>(
  { candidates }: { readonly candidates: readonly C[] },
  channel: string,
): C | undefined {
  return candidates.find((candidate) => candidate.channel === channel);
}
