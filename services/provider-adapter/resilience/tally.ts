import { CircuitState, ConsecutiveBreaker, CountBreaker } from "cockatiel";

/** Counts what the attempts at a healthy channel come to, and says when it is healthy no more. */
export interface Tally {
  good(): void;
  /** True: the breaker opens. */
  fault(): boolean;
}

/** Faults in a row that open the breaker. */
export const faultsInARow = 5;
/** The breaker opens, though some attempts succeed, when more than half of so many last ones failed. */
const windowSize = 20;
const faultShare = 0.5;

/** Begins to count: both rules of cockatiel's own, whichever says so first. */
export function createTally(): Tally {
  const row = new ConsecutiveBreaker(faultsInARow);
  const share = new CountBreaker({ threshold: faultShare, size: windowSize });
  return {
    good() {
      row.success();
      share.success(CircuitState.Closed);
    },
    fault() {
      const byRow = row.failure();
      return share.failure(CircuitState.Closed) || byRow;
    },
  };
}
