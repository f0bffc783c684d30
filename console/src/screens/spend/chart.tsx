import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useFormats } from "../../app-context.tsx";
import type { Series } from "./series.ts";

/** Colours that lines can be told apart by, also by who sees fewer of them; in their order. */
const colours = ["#4e63d9", "#d98a14", "#2f9e63", "#b0479c", "#2a93b8", "#9a6b3f", "#7d8799"];
const heightPx = 240;

/** Lines over time. It is a module of its own, so that only who looks at it loads it. Its colours are those of the page when it is made. */
export function Chart({ series, label }: { series: Series; label: string }) {
  const place = useRef<HTMLDivElement>(null);
  const formats = useFormats();
  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    const style = getComputedStyle(current);
    const stroke = style.color;
    const grid = { stroke: style.borderTopColor, width: 1 };
    const plot = new uPlot(
      {
        width: current.clientWidth,
        height: heightPx,
        legend: { live: true },
        cursor: { points: { size: 6 } },
        axes: [
          { stroke, grid, ticks: { show: false }, font: "12px system-ui" },
          {
            stroke,
            grid,
            ticks: { show: false },
            size: 78,
            font: "12px system-ui",
            values: (_plot, values) => values.map((value) => formats.usd(value.toFixed(9))),
          },
        ],
        scales: { y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.08 : 1] } },
        series: [
          { value: (_plot, seconds) => (seconds === null ? "–" : formats.absolute(seconds * 1_000).slice(0, 16)) },
          ...series.lines.map(({ name }, index) => ({
            label: name,
            stroke: colours[index % colours.length] ?? stroke,
            fill: `${colours[index % colours.length]}1f`,
            width: 2,
            points: { show: series.timesS.length < 40, size: 4 },
            value: (_plot: uPlot, value: number | null) => (value === null ? "–" : formats.usd(value.toFixed(9))),
          })),
        ],
      },
      [[...series.timesS], ...series.lines.map(({ valuesUsd }) => [...valuesUsd])],
      current,
    );
    const watch = new ResizeObserver(() => plot.setSize({ width: current.clientWidth, height: heightPx }));
    watch.observe(current);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [series, formats]);
  return <div className="chart" ref={place} role="img" aria-label={label} />;
}
