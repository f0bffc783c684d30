import type { ReactNode } from "react";
import { useWords } from "../app-context.tsx";
import type { usePages } from "./pages.tsx";
import { Card, PageHead } from "./parts.tsx";
import { type ColumnOf, DataTable } from "./table.tsx";

/** A screen that lists what is managed: its head with the button that makes one, filters, and the table with what can be done. */
export function ManagedList<Row>({
  words,
  pages,
  columns,
  keyOf,
  actions,
  onMake,
  filters,
}: {
  words: { readonly title: string; readonly lead: string; readonly none: string; readonly make: string };
  pages: ReturnType<typeof usePages<Row>>;
  columns: readonly ColumnOf<Row>[];
  keyOf: (row: Row) => string;
  /** What can be done with a row; undefined: the key may change nothing here. */
  actions: ((row: Row) => ReactNode) | undefined;
  onMake: () => void;
  filters?: ReactNode;
}) {
  const { manage } = useWords();
  const all = actions === undefined ? columns : [...columns, { head: manage.actions, cell: actions }];
  return (
    <>
      <PageHead title={words.title} lead={words.lead}>
        {actions === undefined ? null : (
          <button type="button" className="button primary" onClick={onMake}>
            {words.make}
          </button>
        )}
      </PageHead>
      <Card flush>
        {filters === undefined ? null : <div className="filters">{filters}</div>}
        <DataTable
          name={words.title}
          columns={all}
          rows={pages.rows ?? []}
          keyOf={keyOf}
          state={pages}
          empty={<p className="quiet padded">{words.none}</p>}
        />
      </Card>
    </>
  );
}

/** What can be done with a row: its name, the text of its button, and what it does. */
export type RowAction = readonly [name: string, text: string, run: () => void];

/** Buttons of a row. @param of names the row for those who hear the buttons one by one. @param danger the one that takes something away. */
export function RowActions({ of, actions, danger }: { of: string; actions: readonly RowAction[]; danger?: string }) {
  return (
    <div className="row-actions">
      {actions.map(([name, text, run]) => (
        <button
          key={name}
          type="button"
          className={name === danger ? "button small danger" : "button small"}
          aria-label={`${text}: ${of}`}
          onClick={run}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
