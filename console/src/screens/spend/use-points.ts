import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useSignedIn } from "../../app-context.tsx";
import type { Point } from "./series.ts";

/** What one may sum by: for keys that administer, from the ledger, beside the list price. */
export const ledgerGroups = ["model", "channel", "key", "user", "tag", "account", "module"] as const;
/** For others, from the records that they see. */
export const recordGroups = ["model", "channel", "module", "status", "user", "tag"] as const;
/** A way to sum. */
export type Group = (typeof ledgerGroups)[number] | (typeof recordGroups)[number];

const refreshMs = 30_000;

/** What groups came to in each step of a span of time. @param others name of end users and tags that are not told apart. */
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
  const sums = useQuery({
    ...trpc.usage.sum.queryOptions({
      ...span,
      ...(byLedger === undefined ? {} : { by: byLedger }),
      ...(account === "" ? {} : { account_id: account }),
    }),
    enabled: fromLedger,
    refetchInterval: refreshMs,
  });
  const series = useQuery({
    ...trpc.usage.timeseries.queryOptions({ ...span, group_by: byRecords }),
    enabled: !fromLedger,
    refetchInterval: refreshMs,
  });
  const points = useMemo((): readonly Point[] => {
    if (!fromLedger) {
      return (series.data?.points ?? []).map((point) => (point.other ? { ...point, group: others } : point));
    }
    return (sums.data?.sums ?? []).map(
      ({ name, title, other, time, requests, charged_usd, list_price_usd, usage }) => ({
        time: time ?? span.from,
        group: other ? others : (title ?? name),
        requests,
        errors: 0,
        input_tokens: usage?.input_tokens ?? 0,
        output_tokens: usage?.output_tokens ?? 0,
        billed_usd: charged_usd,
        list_price_usd,
      }),
    );
  }, [fromLedger, series.data, sums.data, span.from, others]);
  return { points, fromLedger, state: fromLedger ? sums : series };
}
