import type { HistoryContext } from "../context.ts";
import { type PartRow, summedTimeseries, timeseries } from "../db/timeseries.ts";
import { type DaysAsked, summedDays } from "../db/usage-days.ts";
import { dimensionsOf } from "../db/usage-grains.ts";
import { summedHours } from "../db/usage-hours.ts";
import { dayMs, hourMs, hoursOfDays, wholeDays, wholeHours, withoutHours } from "../domain/hours.ts";
import type { PlainGrouping } from "../domain/points.ts";
import type { IdRange } from "../domain/times.ts";
import type { Filter } from "./filter.ts";

/** What is asked of a range. */
type Asked = Omit<Filter, "ranges"> & { readonly stepMs: number; readonly groupBy: PlainGrouping };
type Reader = HistoryContext["summingReader"];

/**
 * The sums of a range: of its days that are summed up already, of its other hours that are, and of the records in the rest
 * of it. A point may be in several rows, and they are in no order.
 */
export async function rowsOf(summingReader: Reader, range: IdRange, asked: Asked): Promise<PartRow[]> {
  const { scope, statuses, scan } = asked;
  const summed = summedScope(asked);
  if (summed === undefined) return timeseries(summingReader, { scope, range, statuses, filter: scan }, asked);
  const { accountId, keyId } = summed;
  const filter = { ...scan, ...(keyId === undefined ? {} : { keyId }) };
  const dimensions = dimensionsOf(asked.named, asked.groupBy, filter);
  const { days, rows } = await daysOf(summingReader, { ...asked, accountId, range, filter, dimensions });
  const hours = await summedHours(summingReader, accountId, {
    ...wholeHours(range),
    withoutDays: days,
    dimensions,
  });
  if (hours.length > 0) {
    rows.push(...(await summedTimeseries(summingReader, { accountId, hours, statuses, filter, dimensions }, asked)));
  }
  for (const left of withoutHours(range, [...hours, ...hoursOfDays(days)])) {
    rows.push(...(await timeseries(summingReader, { scope, range: left, statuses, filter: scan }, asked)));
  }
  return rows;
}

async function daysOf(
  reader: Reader,
  asked: Omit<DaysAsked, "range"> & { readonly range: IdRange; readonly stepMs: number },
): Promise<{ days: number[]; rows: PartRow[] }> {
  if (asked.stepMs !== dayMs) return { days: [], rows: [] };
  return summedDays(reader, { ...asked, range: wholeDays(asked.range) });
}

/** Whose sums of whole hours can answer; undefined: none can. They do not answer by the minute, for one user, or of what bears a label. */
export function summedScope({
  scope,
  scan,
  stepMs: step,
}: Pick<Asked, "scope" | "scan" | "stepMs">): { accountId: bigint; keyId?: bigint } | undefined {
  const isOfLabels = (scan.labels ?? []).length > 0;
  if (step < hourMs || scan.userId !== undefined || scope.kind === "user" || isOfLabels) return undefined;
  if (scope.kind === "operator") return { accountId: 0n };
  return { accountId: scope.accountId, ...(scope.kind === "key" ? { keyId: scope.keyId } : {}) };
}
