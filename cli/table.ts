/**
 * Text as a terminal may be given it: what clients chose (a model's name, an ID) could move its cursor, set its title or
 * fake a line of ours. Control characters and marks of direction are written as `\\u{1b}`.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** Rows as aligned text under upper-case names; `none` where there are no rows. */
export function table(
  rows: readonly Readonly<Record<string, string | number | null | undefined>>[],
  none: string,
): string {
  const [first] = rows;
  if (first === undefined) return `${none}\n`;
  const names = Object.keys(first);
  const cells = [
    names.map((name) => name.toUpperCase().replaceAll("_", " ")),
    ...rows.map((row) => names.map((name) => printable(String(row[name] ?? "-")))),
  ];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells
    .map(
      (line) =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** Names and values, one a line; nothing for what is empty. */
export function facts(values: Readonly<Record<string, string | number | boolean | null | undefined>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const width = Math.max(0, ...given.map(([name]) => name.length));
  return given
    .map(([name, value]) => `${name.replaceAll("_", " ").padEnd(width)}  ${printable(String(value))}\n`)
    .join("");
}
