import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useSignedIn } from "../../app-context.tsx";
import { readSums, useSums } from "../../data/use-sums.ts";
import { type Asked, ledgerGroups, refreshMs, spanOf } from "./groups.ts";
import { maxLines, othersOf, type Point, type Sum, sumsOf } from "./series.ts";
import type { Spending } from "./spending.ts";

const pageNames = 100;
const fileNames = 1_000;
/** A list of more pages than these is not read again every 30 s. */
const freshPages = 3;

/** What the ledger says of a group. */
interface LedgerSum {
  readonly name: string;
  readonly title?: string | null;
  readonly other: boolean;
  readonly time?: string | null;
  readonly requests: number;
  readonly charged_usd: string;
  readonly list_price_usd: string | null;
  readonly usage?: { readonly input_tokens?: number; readonly output_tokens?: number } | null;
}

/**
 * What groups were charged, from the ledger: a page of names, those with the largest charge first, and what all others come to. Lines over
 * time are asked for of a few names alone, and the whole by the kind of work, which each request has one of: so an account with any number
 * of end users is read quickly.
 */
export function useLedger(asked: Asked, enabled: boolean): Spending {
  const { trpc, client } = useSignedIn();
  const { account, others } = asked;
  const by = ledgerGroups.find((one) => one === asked.group) ?? "model";
  const { step, ...time } = spanOf(asked);
  const span = { ...time, ...(account === "" ? {} : { account_id: account }) };
  const often = { enabled, refetchInterval: refreshMs };
  const table = useInfiniteQuery(
    trpc.usage.sum.infiniteQueryOptions(
      { ...span, by, limit: pageNames },
      {
        getNextPageParam: (page) => page.next_cursor ?? undefined,
        enabled,
        refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > freshPages ? false : refreshMs),
      },
    ),
  );
  const lines = useSums({ ...span, by, step }, often, maxLines);
  const all = useSums({ ...span, by: "module", step }, often);

  const sums = useMemo(
    () =>
      distinct(
        (table.data?.pages ?? []).flatMap((page) => page.sums),
        others,
      ),
    [table.data, others],
  );
  const rest = table.data?.pages.at(-1)?.rest ?? undefined;
  const whole = useMemo(() => (all.data ?? []).map((sum) => pointOf(sum, others)), [all.data, others]);
  const points = useMemo(() => {
    const named = (lines.data ?? []).map((sum) => pointOf(sum, others));
    // Who has several tags is charged in several lines, so nothing can be said of the others.
    return by === "tag" ? named : [...named, ...othersOf(whole, named, others)];
  }, [lines.data, whole, by, others]);
  const total = useMemo(() => sumsOf(whole), [whole]);

  return {
    ...{ sums, points, whole: total, fromLedger: true, state: table },
    rest: rest && { names: rest.names, requests: rest.requests, billedUsd: rest.charged_usd },
    readAll: async () => distinct(await readSums(client.usage.sum.query, { ...span, by, limit: fileNames }), others),
  };
}

/** Each name once: who spends meanwhile may move from one page to the next. */
function distinct(found: readonly LedgerSum[], others: string): readonly Sum[] {
  const sums = new Map<string, Sum>();
  for (const sum of found) {
    const id = `${sum.other ? "o" : "n"}${sum.name}`;
    sums.set(id, {
      ...{ id, group: nameOf(sum, others), requests: sum.requests, errors: 0 },
      ...{ tokensIn: sum.usage?.input_tokens ?? 0, tokensOut: sum.usage?.output_tokens ?? 0 },
      ...{ billedUsd: sum.charged_usd, listUsd: sum.list_price_usd },
    });
  }
  return [...sums.values()];
}

const nameOf = ({ name, title, other }: LedgerSum, others: string) => (other ? others : (title ?? name));

function pointOf(sum: LedgerSum, others: string): Point {
  return {
    ...{ time: sum.time ?? "", group: nameOf(sum, others), requests: sum.requests, errors: 0 },
    ...{ input_tokens: sum.usage?.input_tokens ?? 0, output_tokens: sum.usage?.output_tokens ?? 0 },
    ...{ billed_usd: sum.charged_usd, list_price_usd: sum.list_price_usd },
  };
}
