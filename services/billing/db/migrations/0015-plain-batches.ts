import { plainReserve } from "./0015-reserve.ts";
import { plainSettle } from "./0015-settle.ts";
import { statements } from "./statements.ts";

/** Batches in which nothing is out of the ordinary are judged and entered as a whole. */
export const addPlainBatches = statements(...plainReserve, ...plainSettle);
