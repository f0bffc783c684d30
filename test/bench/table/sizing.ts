import type { Curve } from "../growth/curves.ts";
import { markdownTable } from "../measure/markdown-table.ts";
import { figuresOf } from "./figures.ts";
import type { TableResult } from "./run.ts";

/** Share of a core's time above which queues grow. */
const loadShare = 0.7;

/** What one core and one gigabyte carry, computed from what is published. A curve tells what the table did not measure. */
export function sizing(table: TableResult, streams: Curve | undefined, slowReaders: Curve | undefined): string {
  const direct = table.rows.find(({ name }) => name === "direct");
  const rows = table.rows.filter(({ name }) => name === "up" || name === "mesh");
  if (direct === undefined || rows.length === 0) return "";
  const lines = rows.map((row) => {
    const figures = figuresOf(row, direct);
    const [own, all] = [figures.cpuMs.median, figures.cpuWithDatabaseMs.median];
    return [
      `\`${row.name}\``,
      own.toFixed(2),
      (all - own).toFixed(2),
      perCore(all),
      figures.streamCpuWithDatabaseMs.median.toFixed(1),
      perCore(figures.streamCpuWithDatabaseMs.median),
      figures.memoryMb.median.toFixed(0),
      kbAt(streams, row.name),
      table.unread?.find(({ name }) => name === row.name)?.kbPerStream.toFixed(0) ?? kbAt(slowReaders, row.name),
    ];
  });
  return markdownTable(
    [
      "on the machine of the table",
      "CPU-ms a request",
      "PostgreSQL's",
      `requests/s a core, ${loadShare * 100} % busy`,
      "CPU-ms a stream of 100 chunks",
      "streams/s a core",
      "memory MB under load",
      "kB an open stream",
      "kB one that nobody reads",
    ],
    lines,
  );
}

function perCore(cpuMs: number): string {
  const perSecond = (loadShare * 1_000) / cpuMs;
  // Two digits that count: more would promise too much.
  return Number(perSecond.toPrecision(2)).toLocaleString("en");
}

/** kB a stream where a curve has most of them. */
function kbAt(curve: Curve | undefined, series: string): string {
  const points = (curve?.points ?? []).filter((point) => point.series === series).toSorted((a, b) => b.x - a.x);
  return points[0]?.values.kbPerStream?.toFixed(0) ?? "-";
}
