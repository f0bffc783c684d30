import { useQuery } from "@tanstack/react-query";
import type { RouterInputs, RouterOutputs } from "@throughline/client";
import { useSignedIn } from "../app-context.tsx";

type Asked = RouterInputs["usage"]["sum"];
type Page = RouterOutputs["usage"]["sum"];

/**
 * Reads sums page by page: a page by the hour may end after a single name.
 *
 * @param most names that are wanted; by default all of them.
 */
export async function readSums(
  read: (asked: Asked) => Promise<Page>,
  asked: Asked,
  most = Number.POSITIVE_INFINITY,
): Promise<Page["sums"]> {
  const sums: Page["sums"] = [];
  const names = new Set<string>();
  for (let cursor: string | null | undefined; cursor !== null && names.size < most; ) {
    const limit = most === Number.POSITIVE_INFINITY ? {} : { limit: most - names.size };
    const page = await read({ ...asked, ...limit, ...(cursor === undefined ? {} : { cursor }) });
    for (const sum of page.sums) {
      sums.push(sum);
      names.add(`${sum.other} ${sum.name}`);
    }
    cursor = page.next_cursor;
  }
  return sums;
}

/** Sums of names over time, those with the largest charge. */
export function useSums(asked: Asked, options: { enabled: boolean; refetchInterval: number }, most?: number) {
  const { trpc, client } = useSignedIn();
  return useQuery<Page["sums"]>({
    queryKey: [...trpc.usage.sum.queryKey(asked), most ?? "all"],
    queryFn: ({ signal }) => readSums((page) => client.usage.sum.query(page, { signal }), asked, most),
    ...options,
  });
}
