/** What a page of a list may read at least, in buffers of PostgreSQL, beside what it shows and what opening partitions takes. */
const leastBuffers = 5_000;
/** What it may read for each record that it was asked for, where that is more. */
const buffersEach = 50;
/** What a statement costs before it has looked at anything. */
const buffersOfStatement = 100;
/** What a record takes that is looked up by its ID: the height of an index, and its own. */
const buffersOfLookup = 4;

/** How a statement of a list comes to its records. */
export interface Looking {
  /** True: by IDs that a label gives, each of which is looked up. */
  readonly byLabel: boolean;
  /** Labels that are looked for with each record. */
  readonly labels: number;
}

/** What one look costs at most, in buffers. */
export function costOfLook({ byLabel, labels }: Looking): number {
  return (byLabel ? buffersOfLookup : 1) + buffersOfLookup * labels;
}

/** What a list may still read. */
export interface LookBudget {
  /** Whether there is nothing left of it for the way that is gone. */
  isSpent(): boolean;
  /** Records that the next statement may look at, at least a few: each statement is to bring the list further. */
  looks(how: Looking): number;
  /** What is left after a statement that has looked at so many. */
  afterLooks(how: Looking, looks: number): LookBudget;
  /** What there is for the next way: its own share, and what the ones before it have left. */
  withNextWay(): LookBudget;
}

const fewestLooks = 20;

/**
 * What a page may read is bounded, whatever it finds: it depends on the records that were asked for, and not on those that lie between the
 * ones that match. Each way that a list may go has an equal share.
 */
export function createLookBudget(limit: number, ways: number): LookBudget {
  const share = Math.max(leastBuffers, buffersEach * limit) / ways;
  return budgetOf(share, share);
}

function budgetOf(left: number, share: number): LookBudget {
  return {
    isSpent: () => left < buffersOfStatement,
    looks: (how) => Math.max(fewestLooks, Math.floor((left - buffersOfStatement) / costOfLook(how))),
    afterLooks: (how, looks) => budgetOf(left - buffersOfStatement - looks * costOfLook(how), share),
    withNextWay: () => budgetOf(left + share, share),
  };
}
