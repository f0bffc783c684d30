import type { ListState } from "../../ui/table.tsx";
import type { Point, Rest, Sum } from "./series.ts";

/** What was spent, as far as it is shown. */
export interface Spending {
  /** Groups, the dearest first. */
  readonly sums: readonly Sum[];
  /** What all other groups come to; undefined: there are none. */
  readonly rest: Rest | undefined;
  /** What groups of a chart came to in each step. */
  readonly points: readonly Point[];
  /** What all of it came to, by something that each request has one of. A request counts with each of its tags. */
  readonly whole: readonly Sum[];
  readonly fromLedger: boolean;
  readonly state: ListState;
  /** All groups, for a file. */
  readAll(): Promise<readonly Sum[]>;
}
