import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { Link } from "wouter";
import { useFormats, useWords } from "../../app-context.tsx";
import { columns } from "./columns.tsx";
import type { Row } from "./filter.ts";
import type { LiveRows } from "./rows.ts";
import { rowAt } from "./use-rows.ts";

const rowPx = 37;
/** Rows beyond the edge that are made already. */
const overscan = 12;

// Rows that are placed are no rows of a table for browsers, so their roles say it.
// biome-ignore-start lint/a11y/useSemanticElements: see above
// biome-ignore-start lint/a11y/useFocusableInteractive: the links in them are
// biome-ignore-start lint/a11y/noNoninteractiveTabindex: what scrolls is scrolled by keys too
/** The list: only the rows in sight are made, so that a hundred thousand cost what fifty do. */
export function Grid({
  below,
  live,
  count,
  hasMore,
  loadMore,
}: {
  below: readonly Row[];
  live: LiveRows;
  count: number;
  hasMore: boolean;
  loadMore: () => void;
}) {
  const { requests: words, common } = useWords();
  const formats = useFormats();
  const place = useRef<HTMLElement>(null);
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => place.current,
    estimateSize: () => rowPx,
    overscan,
  });
  const shown = virtual.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  const isNearEnd = hasMore && last >= count - overscan * 2;
  useEffect(() => {
    if (isNearEnd) loadMore();
  }, [isNearEnd, loadMore]);
  return (
    <section className="grid" ref={place} tabIndex={0} aria-label={words.title}>
      <div role="table" aria-label={words.table} aria-rowcount={hasMore ? -1 : count + 1}>
        <div className="grid-row grid-head" role="row">
          {columns.map(({ name, isNumber = false }) => (
            <div key={name} role="columnheader" className={`cell-${name} ${isNumber ? "number" : ""}`}>
              {String(words[name])}
            </div>
          ))}
        </div>
        <div style={{ blockSize: virtual.getTotalSize(), position: "relative" }} role="rowgroup">
          {shown.map(({ index, start }) => {
            const row = rowAt(index, below, live);
            if (row === undefined) return null;
            return (
              <div
                key={row.id}
                className="grid-row"
                role="row"
                aria-rowindex={index + 2}
                style={{ transform: `translateY(${start}px)` }}
              >
                {columns.map(({ name, isNumber = false, cell }, at) => (
                  <div key={name} role="cell" className={`cell-${name} ${isNumber ? "number" : ""}`}>
                    {at === 0 ? (
                      <Link href={`/requests/${row.id}`} className="row-link">
                        {cell(row, formats)} <span className="hidden">{row.id}</span>
                      </Link>
                    ) : (
                      cell(row, formats)
                    )}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
      {isNearEnd ? <p className="grid-more">{common.loading}</p> : null}
    </section>
  );
}
// biome-ignore-end lint/a11y/useSemanticElements: see above
// biome-ignore-end lint/a11y/useFocusableInteractive: see above
// biome-ignore-end lint/a11y/noNoninteractiveTabindex: see above
