import { useMemo } from "react";
import { useFormats, useWords } from "../../app-context.tsx";
import { useSeries } from "../../data/use-series.ts";
import { Bars } from "../../ui/bars.tsx";
import { Figure } from "../../ui/parts.tsx";
import { useNow } from "../../ui/time.tsx";
import { type ListFilter, percentile, type Row } from "./filter.ts";
import type { LiveRows } from "./rows.ts";

const minuteMs = 60_000;
const minutes = 60;
/** The figures of a longer list are about this many of its newest rows. */
const maxCounted = 5_000;

/** How the requests of the list fare. */
export function Summary({
  filter,
  below,
  live,
  count,
  hasMore,
}: {
  filter: ListFilter;
  below: readonly Row[];
  live: LiveRows;
  count: number;
  hasMore: boolean;
}) {
  const { requests: words } = useWords();
  const formats = useFormats();
  const { p50, p95, failed, ended } = useMemo(() => {
    const rows = [...live.above, ...below.slice(0, maxCounted)].filter(({ status }) => status !== "processing");
    const durations = rows.map(({ duration_ms }) => duration_ms);
    return {
      p50: percentile(durations, 0.5),
      p95: percentile(durations, 0.95),
      failed: rows.filter(({ status }) => status === "failed").length,
      ended: rows.length,
    };
  }, [below, live]);
  const perMinute = useErrorsPerMinute(filter);
  const inHour = perMinute.reduce((sum, value) => sum + value, 0);
  const duration = (ms: number | undefined) => (ms === undefined ? "–" : formats.duration(ms));
  return (
    <div className="figures">
      <Figure name={words.shown} value={formats.integer(count)} note={hasMore ? words.more : words.allShown} />
      <Figure name={words.p50} value={duration(p50)} note={words.ofShown} />
      <Figure name={words.p95} value={duration(p95)} note={words.ofShown} />
      <Figure
        name={words.failed}
        value={ended === 0 ? "–" : formats.percent(failed / ended)}
        note={words.ofShown}
        tone={failed / Math.max(1, ended) > 0.05 ? "bad" : "calm"}
      />
      <Figure
        name={words.errorsAMinute}
        value={<Bars values={perMinute} label={words.lastHour(formats.integer(inHour))} />}
        note={words.lastHour(formats.integer(inHour))}
      />
    </div>
  );
}

/** Errors of each of the last 60 minutes, the oldest first, of the requests that all filters of the screen leave. */
function useErrorsPerMinute({ id_text: _id, from: _from, to: _to, ...filter }: ListFilter) {
  const thisMinute = Math.floor(useNow() / minuteMs) * minuteMs;
  const from = thisMinute - (minutes - 1) * minuteMs;
  const { data } = useSeries(
    {
      from: new Date(from).toISOString(),
      to: new Date(thisMinute + minuteMs).toISOString(),
      step: "minute",
      filter,
    },
    { keepsBefore: true, refetchInterval: 15_000 },
  );
  return useMemo(() => {
    const values = Array.from({ length: minutes }, () => 0);
    for (const { time, errors } of data ?? []) {
      const at = Math.round((Date.parse(time) - from) / minuteMs);
      if (at >= 0 && at < minutes) values[at] = errors;
    }
    return values;
  }, [data, from]);
}
