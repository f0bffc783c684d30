import { useInfiniteQuery } from "@tanstack/react-query";
import { nanoUsd, type RouterOutputs, usd } from "@throughline/client";
import { useEffect, useMemo, useState } from "react";
import { useSignedIn } from "../../app-context.tsx";
import { useSeries } from "../../data/use-series.ts";
import { type Asked, recordGroups, refreshMs, spanOf } from "./groups.ts";
import { type Point, restOf, type Sum, sumsOf, totalUsd } from "./series.ts";
import type { Spending } from "./spending.ts";

const moreNames = 100;
/** Pages of a series that are read by themselves, one after the other. */
const morePages = 20;

/**
 * What groups came to, from the records. A series by end user or tag comes in pages: they are shown as they come, and what is not read or not
 * shown stands in one line.
 */
export function useRecords(asked: Asked, enabled: boolean): Spending {
  const { trpc, client } = useSignedIn();
  const { others } = asked;
  const by = recordGroups.find((one) => one === asked.group) ?? "model";
  const span = spanOf(asked);
  const name = `${by} ${span.from} ${span.step}`;
  const [wanted, setWanted] = useState({ name, names: moreNames, pages: morePages });
  const { names, pages: wantedPages } = wanted.name === name ? wanted : { names: moreNames, pages: morePages };
  const query = useInfiniteQuery(
    trpc.usage.timeseries.infiniteQueryOptions(
      { ...span, group_by: by },
      {
        getNextPageParam: (page) => page.next_cursor ?? undefined,
        enabled,
        refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > 1 ? false : refreshMs),
      },
    ),
  );
  const all = useSeries(span, { enabled, refetchInterval: refreshMs });
  const { data, hasNextPage, isFetching, isError, fetchNextPage } = query;
  const isReadingOn = hasNextPage && (data?.pages.length ?? 0) < wantedPages;
  useEffect(() => {
    if (isReadingOn && !isFetching && !isError) void fetchNextPage();
  }, [isReadingOn, isFetching, isError, fetchNextPage]);

  const points = useMemo(() => pointsOf(data?.pages ?? [], others), [data, others]);
  const found = useMemo(() => sumsOf(points), [points]);
  const sums = useMemo(() => found.slice(0, names), [found, names]);
  const whole = useMemo(() => sumsOf(all.data ?? []), [all.data]);
  const rest = useMemo(() => {
    if (by === "tag" || !hasNextPage) return restOf(found, names);
    return beside(whole, sums, found.length - sums.length);
  }, [by, hasNextPage, found, names, whole, sums]);

  return {
    ...{ sums, rest, points, whole, fromLedger: false },
    state: {
      ...query,
      hasNextPage: found.length > names || hasNextPage,
      fetchNextPage: () =>
        setWanted({
          name,
          names: names + moreNames,
          pages: found.length > names ? wantedPages : wantedPages + morePages,
        }),
    },
    async readAll() {
      const pages: Page[] = [];
      for (let cursor: string | null | undefined; cursor !== null; cursor = pages.at(-1)?.next_cursor ?? null) {
        pages.push(
          await client.usage.timeseries.query({ ...span, group_by: by, ...(cursor === undefined ? {} : { cursor }) }),
        );
      }
      return sumsOf(pointsOf(pages, others));
    },
  };
}

type Page = RouterOutputs["usage"]["timeseries"];

const pointsOf = (pages: readonly Page[], others: string): readonly Point[] =>
  pages.flatMap((page) => page.points).map((point) => (point.other ? { ...point, group: others } : point));

/** What the whole comes to beside some sums, also of what is not read yet. */
function beside(whole: readonly Sum[], sums: readonly Sum[], names: number) {
  const requests = (list: readonly Sum[]) => list.reduce((sum, one) => sum + one.requests, 0);
  return {
    names,
    requests: Math.max(0, requests(whole) - requests(sums)),
    billedUsd: usd(nanoUsd(totalUsd(whole)) - nanoUsd(totalUsd(sums))),
  };
}
