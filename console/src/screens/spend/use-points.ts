import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useSignedIn } from "../../app-context.tsx";
import { useSeries } from "../../data/use-series.ts";
import type { Point } from "./series.ts";

/** What one may sum by: for keys that administer, from the ledger, beside the list price. */
export const ledgerGroups = ["model", "channel", "key", "user", "tag", "account", "module"] as const;
/** For others, from the records that they see. */
export const recordGroups = ["model", "channel", "module", "status", "user", "tag"] as const;
/** A way to sum. */
export type Group = (typeof ledgerGroups)[number] | (typeof recordGroups)[number];

const refreshMs = 30_000;

/**
 * What groups came to in each step of a span of time, and what all of it came to. A request counts with each of its tags, so by tag the
 * whole is asked for by itself: the sum of the groups is more than was charged.
 *
 * @param others name of end users and tags that are not told apart.
 */
export function usePoints(
  group: Group,
  { from, to, step }: { from: number; to: number; step: "hour" | "day" },
  account: string,
  others: string,
) {
  const { trpc, rights } = useSignedIn();
  const span = { from: new Date(from).toISOString(), to: new Date(to).toISOString(), step };
  const byLedger = ledgerGroups.find((one) => one === group);
  const byRecords = recordGroups.find((one) => one === group) ?? "model";
  const fromLedger = rights.readAdministration && byLedger !== undefined;
  const overlap = group === "tag";
  const ofAccount = { ...span, ...(account === "" ? {} : { account_id: account }) };
  const often = { refetchInterval: refreshMs };
  const sums = useQuery({
    ...trpc.usage.sum.queryOptions({ ...ofAccount, ...(byLedger === undefined ? {} : { by: byLedger }) }),
    ...{ enabled: fromLedger, ...often },
  });
  const allSums = useQuery({ ...trpc.usage.sum.queryOptions(ofAccount), enabled: fromLedger && overlap, ...often });
  const series = useSeries({ ...span, group_by: byRecords }, { enabled: !fromLedger, ...often });
  const allSeries = useSeries(span, { enabled: !fromLedger && overlap, ...often });
  const points = useMemo(
    () =>
      fromLedger
        ? (sums.data?.sums ?? []).map((sum) => pointOf(sum, span.from, others))
        : (series.data ?? []).map((point) => (point.other ? { ...point, group: others } : point)),
    [fromLedger, series.data, sums.data, span.from, others],
  );
  const whole = useMemo((): readonly Point[] => {
    if (!overlap) return points;
    if (!fromLedger) return allSeries.data ?? [];
    return (allSums.data?.sums ?? []).map((sum) => pointOf(sum, span.from, others));
  }, [overlap, fromLedger, points, allSeries.data, allSums.data, span.from, others]);
  return { points, whole, fromLedger, state: fromLedger ? sums : series };
}

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

function pointOf(sum: LedgerSum, from: string, others: string): Point {
  const { name, title, other, time, requests, charged_usd, list_price_usd, usage } = sum;
  return {
    ...{ time: time ?? from, group: other ? others : (title ?? name), requests, errors: 0 },
    ...{ input_tokens: usage?.input_tokens ?? 0, output_tokens: usage?.output_tokens ?? 0 },
    ...{ billed_usd: charged_usd, list_price_usd },
  };
}
