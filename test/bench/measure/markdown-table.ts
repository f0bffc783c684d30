/** A Markdown table with its columns in line. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((text, column) => Math.max(text.length, 3, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...rows.map(line)].join("\n");
}

/** The same; nothing where it has no rows. */
export function tableOrNothing(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? "" : markdownTable(head, rows);
}
