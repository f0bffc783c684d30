import { useCallback, useMemo, useState } from "react";
import { useSearchParams } from "wouter";
import { useWords } from "../../app-context.tsx";
import { Failure } from "../../ui/failure.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Empty, PageHead, Skeleton } from "../../ui/parts.tsx";
import { filterOf } from "./filter.ts";
import { Filters } from "./filters.tsx";
import { Grid } from "./grid.tsx";
import { Summary } from "./summary.tsx";
import { useRows } from "./use-rows.ts";

/** Requests as they come, and all before them. */
export function Requests() {
  const { requests: words, errors } = useWords();
  const [params, setParams] = useSearchParams();
  const [isLive, setLive] = useState(true);
  const address = params.toString();
  const codes = useMemo(() => Object.keys(errors), [errors]);
  const filter = useMemo(() => filterOf(new URLSearchParams(address), codes, Date.now()), [address, codes]);
  const { query, below, live, count } = useRows(filter, isLive);
  const { fetchNextPage, hasNextPage, isFetching } = query;
  const loadMore = useCallback(() => {
    if (!isFetching) void fetchNextPage();
  }, [fetchNextPage, isFetching]);
  const change = (name: string, value: string) =>
    setParams((before) => {
      const after = new URLSearchParams(before);
      if (value === "") after.delete(name);
      else after.set(name, value);
      return after;
    });
  return (
    <div className="list-screen">
      <PageHead title={words.title}>
        <button
          type="button"
          className={isLive ? "button live" : "button"}
          aria-pressed={isLive}
          title={isLive ? words.liveOn : words.liveOff}
          onClick={() => setLive(!isLive)}
        >
          <Icon name={isLive ? "live" : "pause"} size={16} />
          {words.live}
        </button>
      </PageHead>
      <Filters params={params} change={change} clear={() => setParams({})} />
      {query.error !== null && query.data === undefined ? (
        <Failure error={query.error} retry={() => void query.refetch()} />
      ) : query.data === undefined ? (
        <Skeleton lines={9} />
      ) : (
        <>
          <Summary filter={filter} below={below} live={live} count={count} hasMore={hasNextPage} />
          {count === 0 && !hasNextPage ? (
            <Empty icon="requests" title={words.emptyTitle}>
              {words.empty}
            </Empty>
          ) : (
            <Grid below={below} live={live} count={count} hasMore={hasNextPage} loadMore={loadMore} />
          )}
        </>
      )}
    </div>
  );
}
