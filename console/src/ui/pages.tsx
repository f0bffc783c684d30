import { type InfiniteData, type QueryKey, useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useWords } from "../app-context.tsx";
import { Failure } from "./failure.tsx";
import { Skeleton } from "./parts.tsx";

/** One page of a list. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Where the next page begins; undefined: this is the last. */
  readonly next: string | undefined;
}

/**
 * A list that is read page by page.
 *
 * @param refreshMs how often its pages are read again; undefined: when somebody asks.
 */
export function usePages<Row>(
  queryKey: QueryKey,
  read: (after: string | undefined) => Promise<Page<Row>>,
  refreshMs?: number,
) {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next,
    ...(refreshMs === undefined ? {} : { refetchInterval: refreshMs }),
  });
  const pages: InfiniteData<Page<Row>> | undefined = query.data;
  return { ...query, rows: pages?.pages.flatMap(({ rows }) => rows) };
}

/** Rows of a list, what stands where there are none, and the button for more. */
export function Paged<Row>({
  pages: { rows, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage },
  none,
  children,
}: {
  pages: ReturnType<typeof usePages<Row>>;
  none: string;
  children: (rows: readonly Row[]) => ReactNode;
}) {
  const { common } = useWords();
  if (rows === undefined) {
    return error === null ? <Skeleton lines={6} /> : <Failure error={error} retry={() => void refetch()} />;
  }
  if (rows.length === 0) return <p className="quiet padded">{none}</p>;
  return (
    <>
      {/* A table that is wider than the page is moved by the keyboard too. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <div className="scroll-x" tabIndex={0}>
        {children(rows)}
      </div>
      {hasNextPage ? (
        <p className="padded line-above">
          <button type="button" className="button" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            {isFetchingNextPage ? common.loading : common.more}
          </button>
        </p>
      ) : null}
    </>
  );
}
