import { keepPreviousData, type QueryKey, useQuery } from "@tanstack/react-query";
import type { RouterInputs, RouterOutputs } from "@throughline/client";
import { useSignedIn } from "../app-context.tsx";

type Asked = RouterInputs["usage"]["timeseries"];
type Point = RouterOutputs["usage"]["timeseries"]["points"][number];

/** How a series is kept up to date. */
export interface SeriesOptions {
  readonly enabled?: boolean;
  readonly refetchInterval?: number;
  /** True: while another one is read, the one before stays. */
  readonly keepsBefore?: boolean;
}

/** The points of a series over time. Long ones come in pages, which are read one after the other. */
export function useSeries(asked: Asked, { keepsBefore = false, ...options }: SeriesOptions = {}) {
  const { trpc, client } = useSignedIn();
  const queryKey: QueryKey = trpc.usage.timeseries.queryKey(asked);
  return useQuery<readonly Point[]>({
    queryKey,
    queryFn: async ({ signal }) => {
      const points: Point[] = [];
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page = await client.usage.timeseries.query(
          { ...asked, ...(cursor === undefined ? {} : { cursor }) },
          { signal },
        );
        points.push(...page.points);
        cursor = page.next_cursor;
      }
      return points;
    },
    ...options,
    ...(keepsBefore ? { placeholderData: keepPreviousData } : {}),
  });
}
