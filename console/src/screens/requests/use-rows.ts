import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useSignedIn } from "../../app-context.tsx";
import type { ListFilter, Row } from "./filter.ts";
import { type LiveRows, maxLiveRows, noLiveRows, withRows } from "./rows.ts";

const pageRows = 200;
/** Rows that come by themselves are shown together, this often. */
const showEveryMs = 400;

/** The rows of a list: pages as they are scrolled to, and above them what came since. */
export function useRows(filter: ListFilter, isLive: boolean) {
  const { trpc, client } = useSignedIn();
  const queryClient = useQueryClient();
  const asked = useMemo(() => ({ filter, limit: pageRows }), [filter]);
  const query = useInfiniteQuery(
    trpc.requests.list.infiniteQueryOptions(asked, {
      getNextPageParam: (page) => page.next_cursor ?? undefined,
      // Pages do not change but at their top, which live rows tell of.
      staleTime: Number.POSITIVE_INFINITY,
      refetchOnWindowFocus: false,
      refetchInterval: false,
      trpc: { abortOnUnmount: true },
    }),
  );
  const below = useMemo(() => query.data?.pages.flatMap((page) => page.requests) ?? [], [query.data]);
  const [live, setLive] = useState<LiveRows>(noLiveRows);
  const newestBelow = useRef<string | undefined>(undefined);
  newestBelow.current = below[0]?.id;
  const isLoaded = query.data !== undefined;

  useEffect(() => {
    setLive(noLiveRows);
    if (!isLive || !isLoaded) return;
    let came: Row[] = [];
    const { from: _from, to: _to, ...tailed } = filter;
    const tail = client.requests.tail.subscribe(
      { filter: tailed },
      { onData: ({ data }) => void came.push(data), onError: () => undefined },
    );
    const timer = setInterval(() => {
      if (came.length === 0) return;
      const rows = came;
      came = [];
      setLive((known) => withRows(known, rows, newestBelow.current));
    }, showEveryMs);
    return () => {
      clearInterval(timer);
      tail.unsubscribe();
    };
  }, [client, filter, isLive, isLoaded]);

  const tooMany = live.above.length > maxLiveRows;
  useEffect(() => {
    if (!tooMany) return;
    setLive(noLiveRows);
    void queryClient.resetQueries({ queryKey: trpc.requests.list.infiniteQueryKey(asked) });
  }, [tooMany, queryClient, trpc, asked]);

  return { query, below, live, count: live.above.length + below.length };
}

/** The row at a place, in its newest state. */
export function rowAt(index: number, below: readonly Row[], live: LiveRows): Row | undefined {
  const row = live.above[index] ?? below[index - live.above.length];
  return row === undefined ? undefined : (live.newer.get(row.id) ?? row);
}
