/** The place of a record in the order in which the ends of requests were stored. */
export interface Place {
  /** Number of the batch that stored it, from 1 on. */
  readonly stored: bigint;
  readonly requestId: bigint;
}

/** Before all records. */
export const firstPlace: Place = { stored: 0n, requestId: 0n };

const lastId = (1n << 63n) - 1n;

/** Behind all records of a batch and those before it. */
export function behindBatch(stored: bigint): Place {
  return { stored, requestId: lastId };
}

/** A place as a cursor. */
export function formatPlace({ stored, requestId }: Place): string {
  return `${stored}.${requestId}`;
}

/** The place that a cursor names; undefined: it is none. */
export function parsePlace(text: string): Place | undefined {
  const [, stored, requestId] = /^(\d{1,19})\.(\d{1,19})$/.exec(text) ?? [];
  if (stored === undefined || requestId === undefined) return undefined;
  const place = { stored: BigInt(stored), requestId: BigInt(requestId) };
  return place.stored <= lastId && place.requestId <= lastId ? place : undefined;
}
