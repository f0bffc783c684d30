/** What has a share of the traffic. */
export interface Weighted {
  /** Share among its peers. 0: only after all others. */
  readonly weight: number;
  /** Fixed hash of its identity, 32 bits: places it for affinity. */
  readonly hash: number;
}

/** Gives each peer a number in (0, 1], the same for the same peer where the order shall be sticky. */
export type Draw = (peer: Weighted) => number;

/** Draws by chance. `random` is uniform in [0, 1), as Math.random. */
export function byChance(random: () => number): Draw {
  return () => 1 - random();
}

/** Draws by rendezvous hashing: equal keys give equal orders, and a peer that leaves moves only its own keys. */
export function byAffinity(key: string): Draw {
  const seed = hash32(key);
  return (peer) => (mix(seed ^ peer.hash) + 1) / 2 ** 32;
}

/**
 * The first `limit` peers of a weighted order without replacement: each place is drawn among the peers left, with
 * chances by weight. It sorts by -ln(u) / weight (Efraimidis and Spirakis, 2006), which is also how weights enter
 * rendezvous hashing. Peers of weight 0 come last, in the order of their draws.
 */
export function rank<P extends Weighted>(peers: readonly P[], draw: Draw, limit: number): P[] {
  const best: P[] = [];
  const scores: number[] = [];
  for (const peer of peers) {
    const u = draw(peer);
    // Weight 0 sorts behind every other: the largest score of a positive weight is below 23 (u >= 2^-32), or 37 for 2^-53.
    const score = peer.weight > 0 ? -Math.log(u) / peer.weight : 1e6 + u;
    const last = scores.length - 1;
    if (scores.length === limit && score >= (scores[last] ?? 0)) continue;
    let at = scores.length;
    while (at > 0 && score < (scores[at - 1] ?? 0)) at--;
    if (at === scores.length) {
      scores.push(score);
      best.push(peer);
      continue;
    }
    scores.splice(at, 0, score);
    best.splice(at, 0, peer);
    if (best.length > limit) {
      best.pop();
      scores.pop();
    }
  }
  return best;
}

/** FNV-1a over UTF-16 units, mixed: 32 bits that depend on every character. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** The finaliser of MurmurHash3: every bit of the input changes half of those of the output. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
