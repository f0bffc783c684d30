import type { Row } from "./filter.ts";

/** Most rows that came by themselves before the list begins anew: what is above must meet what is below. */
export const maxLiveRows = 2_000;

/** Rows that came by themselves: new ones on top, newer states of those below. */
export interface LiveRows {
  /** Newest first. */
  readonly above: readonly Row[];
  readonly newer: ReadonlyMap<string, Row>;
}

export const noLiveRows: LiveRows = { above: [], newer: new Map() };

/** Whether one request came after another. IDs of one style are ordered as texts once they are equally long. */
function isNewer(id: string, other: string): boolean {
  return id.length === other.length ? id > other : id.length > other.length;
}

/**
 * Puts rows that came among those that are there. A request that is given twice stands once, in its last state.
 *
 * @param newestBelow ID of the newest row of the pages; undefined: there is none.
 */
export function withRows(live: LiveRows, came: readonly Row[], newestBelow: string | undefined): LiveRows {
  const above = new Map(live.above.map((row) => [row.id, row]));
  const newer = new Map(live.newer);
  for (const row of came) {
    if (newestBelow === undefined || isNewer(row.id, newestBelow)) above.set(row.id, row);
    else newer.set(row.id, row);
  }
  return { above: [...above.values()].sort((one, other) => (isNewer(one.id, other.id) ? -1 : 1)), newer };
}
