import type { ReactNode } from "react";
import { useWords } from "../app-context.tsx";
import { Failure } from "./failure.tsx";
import { Skeleton } from "./parts.tsx";

/** A column of a plain table. */
export interface ColumnOf<T> {
  readonly head: string;
  readonly isNumber?: boolean;
  /** True: it names the row. */
  readonly isHead?: boolean;
  readonly cell: (row: T) => ReactNode;
}

/** What a list is at the moment: `usePages` and `useQuery` give it. */
export interface ListState {
  readonly error: unknown;
  readonly isPending: boolean;
  readonly refetch: () => unknown;
  readonly hasNextPage?: boolean;
  readonly fetchNextPage?: () => unknown;
}

/** A list as a table, with what stands there while it is on its way, empty, or refused. */
export function DataTable<T>({
  name,
  columns,
  rows,
  keyOf,
  state,
  foot,
  empty,
}: {
  name: string;
  columns: readonly ColumnOf<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  state: ListState;
  /** A last line, of what is not in the rows: its cells. */
  foot?: readonly ReactNode[] | undefined;
  empty: ReactNode;
}) {
  const { common } = useWords();
  if (state.error !== null && rows.length === 0) {
    return (
      <div className="padded">
        <Failure error={state.error} retry={() => void state.refetch()} />
      </div>
    );
  }
  if (state.isPending) return <Skeleton lines={6} />;
  if (rows.length === 0) return empty;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways, also by keys */}
      <section className="scroll-x" tabIndex={0} aria-label={name}>
        <table className="table wide">
          <thead>
            <tr>
              {columns.map(({ head, isNumber }) => (
                <th key={head} className={isNumber ? "number" : undefined}>
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={keyOf(row)}>
                {columns.map(({ head, isNumber, isHead, cell }) =>
                  isHead ? (
                    <th key={head} scope="row">
                      {cell(row)}
                    </th>
                  ) : (
                    <td key={head} className={isNumber ? "number" : undefined}>
                      {cell(row)}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
          {foot === undefined ? null : (
            <tfoot>
              <tr>
                {columns.map(({ head, isNumber }, at) => (
                  <td key={head} className={isNumber ? "number" : undefined}>
                    {foot[at]}
                  </td>
                ))}
              </tr>
            </tfoot>
          )}
        </table>
      </section>
      {state.hasNextPage === true ? (
        <div className="padded line-above">
          <button type="button" className="button" onClick={() => void state.fetchNextPage?.()}>
            {common.more}
          </button>
        </div>
      ) : null}
    </>
  );
}
