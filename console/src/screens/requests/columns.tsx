import type { ReactNode } from "react";
import type { Formats } from "../../format/format.ts";
import type { Dictionary } from "../../i18n/dictionary.ts";
import { Badge, Usd } from "../../ui/parts.tsx";
import { Status } from "../../ui/status.tsx";
import type { Row } from "./filter.ts";

/** A column of the list. */
export interface Column {
  readonly name: keyof Dictionary["requests"] & string;
  readonly isNumber?: boolean;
  readonly cell: (row: Row, formats: Formats) => ReactNode;
}

/** The columns, in their order; which of them stand on narrow screens is in the style sheet. */
export const columns: readonly Column[] = [
  {
    name: "time",
    cell: (row, formats) => (
      <time dateTime={row.created_time} title={formats.exact(row.created_time)}>
        {formats.absolute(row.created_time).slice(5)}
      </time>
    ),
  },
  { name: "status", cell: ({ status }) => <Status status={status} /> },
  { name: "model", cell: ({ model, requested_model }) => requested_model || model },
  { name: "channel", cell: ({ channel }) => channel ?? "–" },
  { name: "duration", isNumber: true, cell: ({ duration_ms }, formats) => formats.duration(duration_ms) },
  {
    name: "firstByte",
    isNumber: true,
    cell: ({ first_byte_ms }, formats) => (first_byte_ms === null ? "–" : formats.duration(first_byte_ms)),
  },
  {
    name: "tokens",
    isNumber: true,
    cell: ({ usage }, formats) =>
      usage === null ? "–" : `${formats.compact(usage.input_tokens)} → ${formats.compact(usage.output_tokens)}`,
  },
  { name: "charged", isNumber: true, cell: ({ billing }) => <Usd amount={billing.billed_usd} /> },
  {
    name: "error",
    cell: ({ error }) => (error === null ? null : <span title={error.message}>{error.code}</span>),
  },
  { name: "user", cell: ({ end_user, user_id }) => end_user ?? user_id },
  { name: "tags", cell: ({ tags }) => tags.map((tag) => <Badge key={tag}>{tag}</Badge>) },
];
