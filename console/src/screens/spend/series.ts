import { nanoUsd, usd } from "@throughline/client";

/** What a group came to in a step of the time, whatever told it. */
export interface Point {
  readonly time: string;
  readonly group: string | null;
  readonly requests: number;
  readonly errors: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly billed_usd: string;
  /** What the vendors' lists say of it; null or left out: not known. */
  readonly list_price_usd?: string | null;
}

/** What a group came to. Money is the contract's text, added exactly. */
export interface Sum {
  /** Tells it from others of the same name. */
  readonly id: string;
  readonly group: string;
  readonly requests: number;
  readonly errors: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly billedUsd: string;
  /** By the vendors' lists; null: not known. */
  readonly listUsd: string | null;
}

/** The sums of groups, the dearest first. */
export function sumsOf(points: readonly Point[]): readonly Sum[] {
  const sums = new Map<string, Sum>();
  for (const point of points) {
    const group = point.group ?? "";
    const before = sums.get(group);
    sums.set(group, {
      id: group,
      group,
      requests: (before?.requests ?? 0) + point.requests,
      errors: (before?.errors ?? 0) + point.errors,
      tokensIn: (before?.tokensIn ?? 0) + point.input_tokens,
      tokensOut: (before?.tokensOut ?? 0) + point.output_tokens,
      billedUsd: usd(nanoUsd(before?.billedUsd ?? "0") + nanoUsd(point.billed_usd)),
      listUsd: added(before?.listUsd ?? null, point.list_price_usd ?? null),
    });
  }
  return [...sums.values()].sort((one, other) => {
    const [a, b] = [nanoUsd(one.billedUsd), nanoUsd(other.billedUsd)];
    return a === b ? other.requests - one.requests : a < b ? 1 : -1;
  });
}

function added(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other;
  return usd(nanoUsd(one) + nanoUsd(other));
}

/** The sum of sums. */
export function totalUsd(sums: readonly Sum[]): string {
  return usd(sums.reduce((total, { billedUsd }) => total + nanoUsd(billedUsd), 0n));
}

/** What all of it costs by the vendors' lists, as far as that is known; null: of none. */
export function listOf(sums: readonly Sum[]): string | null {
  return sums.reduce<string | null>((total, { listUsd }) => added(total, listUsd), null);
}

/** Lines of a chart: the dearest groups, and the others together; a value for each step of the time, in dollars. */
export interface Series {
  readonly timesS: readonly number[];
  readonly lines: readonly { readonly name: string; readonly valuesUsd: readonly number[] }[];
}

/** Most lines of a chart; more cannot be told apart. */
export const maxLines = 6;

/** What is charged in each step beside some groups: with their points it adds up to the whole. @param others what it is called. */
export function othersOf(whole: readonly Point[], groups: readonly Point[], others: string): readonly Point[] {
  const left = new Map<string, bigint>();
  const add = (points: readonly Point[], sign: bigint) => {
    for (const { time, billed_usd } of points) left.set(time, (left.get(time) ?? 0n) + sign * nanoUsd(billed_usd));
  };
  add(whole, 1n);
  add(groups, -1n);
  return [...left].flatMap(([time, nanos]) => {
    // A request may end between the two answers.
    if (nanos <= 0n) return [];
    return [{ ...nothing, time, group: others, billed_usd: usd(nanos) }];
  });
}

const nothing = { requests: 0, errors: 0, input_tokens: 0, output_tokens: 0 };

/** What groups that are not shown come to. */
export interface Rest {
  readonly names: number;
  readonly requests: number;
  readonly billedUsd: string;
}

/** What is left of some sums beside the first ones; undefined: nothing. */
export function restOf(sums: readonly Sum[], shown: number): Rest | undefined {
  const left = sums.slice(shown);
  if (left.length === 0) return undefined;
  return {
    names: left.length,
    requests: left.reduce((sum, { requests }) => sum + requests, 0),
    billedUsd: totalUsd(left),
  };
}

/** What was charged over time. @param others name of what is left over. */
export function seriesOf(
  points: readonly Point[],
  { from, to, stepMs }: { from: number; to: number; stepMs: number },
  others: string,
): Series {
  const first = Math.floor(from / stepMs) * stepMs;
  const steps = Math.max(1, Math.ceil((to - first) / stepMs));
  const named = sumsOf(points)
    .filter(({ group }) => group !== others)
    .slice(0, maxLines)
    .map(({ group }) => group);
  const values = new Map<string, number[]>();
  const lineOf = (name: string) => {
    const line = values.get(name) ?? Array.from({ length: steps }, () => 0);
    values.set(name, line);
    return line;
  };
  for (const name of named) lineOf(name);
  for (const { time, group, billed_usd } of points) {
    const at = Math.floor((Date.parse(time) - first) / stepMs);
    if (at < 0 || at >= steps) continue;
    const line = lineOf(named.includes(group ?? "") ? (group ?? "") : others);
    line[at] = (line[at] ?? 0) + Number(billed_usd);
  }
  return {
    timesS: Array.from({ length: steps }, (_, index) => (first + index * stepMs) / 1_000),
    lines: [...values].map(([name, valuesUsd]) => ({ name, valuesUsd })),
  };
}

/** What begins as a formula and is none, as a whole. */
const amount = /^-\d+(\.\d+)?$/;

/** A table as CSV (RFC 4180) that no spreadsheet takes for formulas. */
export function csvOf(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, ...rows]
    .map((row) => row.map(cell).join(","))
    .join("\r\n")
    .concat("\r\n");
}

function cell(value: string | number): string {
  const isFormula = typeof value === "string" && /^\s*[=+\-@]|^[\t\r\n]/.test(value) && !amount.test(value);
  const text = isFormula ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
