/** Counts by name of which the busiest have a series of their own. */
export interface BusiestCounts<Kind extends string> {
  /** Adds 1. `labels` is asked for when the name gets a series. */
  count(name: string, kind: Kind, labels: () => Labels): void;
  /** All series as they stand. What has no series of its own is counted together, under `rest`. */
  read(): readonly { readonly labels: Labels; readonly kind: Kind; readonly value: number }[];
}

type Labels = Readonly<Record<string, string>>;

/** Names without a series that are watched, for each place. */
const watchedForEachPlace = 10;

interface Series<Kind extends string> {
  readonly labels: Labels;
  readonly counts: Map<Kind, number>;
  /** Uses since the last turn. */
  uses: number;
}

/**
 * Gives the busiest names a series of their own, `places` of them at a time. Free places go to who comes first; afterwards at
 * most one a `turnMs` changes hands, from the least busy to a name that was used at least twice as often in that time. So few
 * series are begun, however many names there are and however they take turns, and no series ever falls: one that begins
 * begins at 0, and what it was before stays under `rest`. What is held is bounded by `places`.
 */
export function createBusiest<Kind extends string>(
  places: number,
  rest: Labels,
  { turnMs = 60_000, nowMs = () => performance.now() }: { turnMs?: number; nowMs?: () => number } = {},
): BusiestCounts<Kind> {
  const own = new Map<string, Series<Kind>>();
  const others: Series<Kind> = { labels: rest, counts: new Map(), uses: 0 };
  const watched = new Map<string, { uses: number; readonly labels: () => Labels }>();
  let turnAtMs = nowMs() + turnMs;

  const add = (series: Series<Kind>, kind: Kind): void => {
    series.uses += 1;
    series.counts.set(kind, (series.counts.get(kind) ?? 0) + 1);
  };
  const begin = (name: string, labels: Labels): Series<Kind> => {
    const series = { labels, counts: new Map<Kind, number>(), uses: 0 };
    own.set(name, series);
    return series;
  };

  function turn(): void {
    turnAtMs = nowMs() + turnMs;
    let least: readonly [string, Series<Kind>] | undefined;
    for (const one of own) if (least === undefined || one[1].uses < least[1].uses) least = one;
    let most: readonly [string, { readonly uses: number; readonly labels: () => Labels }] | undefined;
    for (const one of watched) if (most === undefined || one[1].uses > most[1].uses) most = one;
    if (least !== undefined && most !== undefined && most[1].uses >= 2 * Math.max(1, least[1].uses)) {
      own.delete(least[0]);
      begin(most[0], most[1].labels());
    }
    for (const series of own.values()) series.uses = 0;
    watched.clear();
  }

  return {
    count(name, kind, labels) {
      if (nowMs() >= turnAtMs) turn();
      const series = own.get(name);
      if (series !== undefined) return add(series, kind);
      if (own.size < places) return add(begin(name, labels()), kind);
      add(others, kind);
      const seen = watched.get(name);
      if (seen !== undefined) seen.uses += 1;
      else if (watched.size < places * watchedForEachPlace) watched.set(name, { uses: 1, labels });
    },
    read: () =>
      [...own.values(), others].flatMap(({ labels, counts }) =>
        [...counts].map(([kind, value]) => ({ labels, kind, value })),
      ),
  };
}
