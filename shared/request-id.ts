import { ThroughlineError } from "./errors/error.ts";

/**
 * A request ID: 41 bits of milliseconds since the epoch below, 10 bits of node, 12 bits of sequence. Never a `number`:
 * it needs 63 bits.
 */
export type RequestId = bigint;

/** What a request ID says. */
export interface RequestIdParts {
  /** Unix milliseconds, from `requestIdEpochMs` to `maxRequestIdMs`. */
  readonly unixMs: number;
  /** Node that issued it, 0 to `maxNode`. */
  readonly node: number;
  /** Sequence within the millisecond of the node, 0 to `maxSequence`. */
  readonly sequence: number;
}

/** The two spellings: the number itself, or `YYYYMMDDHHMMSS` (UTC) and 8 letters. */
export type RequestIdStyle = "decimal" | "stamped";

/**
 * 2019-07-12T00:00:00Z. With it the history API's own example, 767212140985061376, falls on the `created_time` that is
 * printed beside it: 2025-04-28T02:27:08.523Z.
 */
export const requestIdEpochMs = 1_562_889_600_000;
/** Highest node number. */
export const maxNode = 0x3ff;
/** Highest sequence number. */
export const maxSequence = 0xfff;
/** Last millisecond that 41 bits reach: in March 2089. */
export const maxRequestIdMs = requestIdEpochMs + 2 ** 41 - 1;

const maxId = (1n << 63n) - 1n;
const idsPerMs = 1n << 22n;
/** Values of the part below the second: millisecond, node and sequence. 1000 x 2^22 < 26^8. */
const idsPerSecond = 1_000 * 2 ** 22;

/** The parts of an ID. */
export function toParts(id: RequestId): RequestIdParts {
  const low = Number(id & (idsPerMs - 1n));
  return { unixMs: Number(id >> 22n) + requestIdEpochMs, node: low >>> 12, sequence: low & maxSequence };
}

/** The ID of these parts. Throws a RangeError when one is out of its range. */
export function fromParts({ unixMs, node, sequence }: RequestIdParts): RequestId {
  within("unixMs", unixMs, requestIdEpochMs, maxRequestIdMs);
  within("node", node, 0, maxNode);
  within("sequence", sequence, 0, maxSequence);
  return (BigInt(unixMs - requestIdEpochMs) << 22n) | BigInt((node << 12) | sequence);
}

/** The lowest ID of a millisecond, for ranges over IDs; clamped to the IDs there are. */
export function firstIdAt(unixMs: number): RequestId {
  const clamped = Math.min(Math.max(Math.ceil(unixMs), requestIdEpochMs), maxRequestIdMs);
  return BigInt(clamped - requestIdEpochMs) << 22n;
}

/** An ID as clients are shown it. */
export function formatRequestId(id: RequestId, style: RequestIdStyle): string {
  if (style === "decimal") return id.toString();
  const { unixMs, node, sequence } = toParts(id);
  const ms = unixMs % 1_000;
  const stamp = new Date(unixMs).toISOString().replace(/\D/g, "").slice(0, 14);
  let rest = ms * 2 ** 22 + node * 2 ** 12 + sequence;
  let letters = "";
  for (let i = 0; i < 8; i++) {
    letters = String.fromCharCode(97 + (rest % 26)) + letters;
    rest = Math.floor(rest / 26);
  }
  return stamp + letters;
}

const decimalForm = /^(?:0|[1-9]\d{0,18})$/;
const stampedForm = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)([a-z]{8})$/;

/**
 * The ID that `text` spells, in either spelling; undefined when it is neither, is out of range, or is not the one
 * canonical spelling of its number (leading zeros, a 31st of April, letters beyond the second).
 */
export function parseRequestId(text: string): RequestId | undefined {
  if (decimalForm.test(text)) {
    const id = BigInt(text);
    return id <= maxId ? id : undefined;
  }
  const match = stampedForm.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const secondMs = Date.UTC(year, month - 1, day, hour, minute, second);
  let rest = 0;
  for (const letter of match[7] ?? "") rest = rest * 26 + (letter.charCodeAt(0) - 97);
  if (rest >= idsPerSecond) return undefined;
  const unixMs = secondMs + Math.floor(rest / 2 ** 22);
  if (unixMs < requestIdEpochMs || unixMs > maxRequestIdMs) return undefined;
  const id = (BigInt(unixMs - requestIdEpochMs) << 22n) | BigInt(rest % 2 ** 22);
  return formatRequestId(id, "stamped") === text ? id : undefined;
}

const bits64 = (1n << 64n) - 1n;

/**
 * The trace ID of the ID's root span: its 16 hex digits, then 16 of a fixed mix of it (splitmix64's finaliser). From an
 * ID alone anyone can compute where its trace is; the mixed half gives samplers, which read the low bits, even ones.
 */
export function traceIdOf(id: RequestId): string {
  let mix = (id + 0x9e3779b97f4a7c15n) & bits64;
  mix = ((mix ^ (mix >> 30n)) * 0xbf58476d1ce4e5b9n) & bits64;
  mix = ((mix ^ (mix >> 27n)) * 0x94d049bb133111ebn) & bits64;
  mix ^= mix >> 31n;
  return id.toString(16).padStart(16, "0") + mix.toString(16).padStart(16, "0");
}

/** The right to issue IDs of a node, with timestamps in [validFromMs, validUntilMs). Unix milliseconds. */
export interface NodeLease {
  readonly node: number;
  readonly validFromMs: number;
  readonly validUntilMs: number;
}

/** Issues request IDs under a lease. */
export interface RequestIdSource {
  /** Takes a new or renewed lease. Throws a RangeError when its node is out of range. */
  setLease(lease: NodeLease): void;
  /** A new ID, higher than every one before of the same node. Throws `service_unavailable` without a valid lease. */
  next(): RequestId;
  /** Whether `next` would succeed now. */
  leaseValid(): boolean;
  /**
   * Has a lease that is not valid renewed, where somebody does that, and waits for it within a bound. `next` may still
   * throw afterwards. Gives at once where the lease is valid.
   */
  renewed(): Promise<void>;
  /** Says how a lease that was found invalid is renewed; undefined: no longer. Never rejects. */
  renewBy(renew: (() => Promise<void>) | undefined): void;
}

/**
 * Creates a source of request IDs. They stay unique and increasing on a clock that stands still or steps back: the last
 * timestamp is kept, and a spent sequence runs ahead into the next millisecond, never beyond the lease.
 *
 * @param options.nowMs the clock in Unix milliseconds; Date.now by default.
 */
export function createRequestIdSource({ nowMs = Date.now }: { nowMs?: () => number } = {}): RequestIdSource {
  let lease: NodeLease | undefined;
  let renew: (() => Promise<void>) | undefined;
  let lastMs = -1;
  let lastSequence = 0;
  // The bigint of (millisecond, node) is built once a millisecond: at full load thousands of IDs share it.
  let base = 0n;
  let baseMs = -1;

  /** Millisecond of the next ID, or -1 when no lease covers it. The clock itself must be inside the lease too. */
  function nextMs(): number {
    if (lease === undefined) return -1;
    const now = Math.trunc(nowMs());
    if (now >= lease.validUntilMs) return -1;
    const held = lastSequence < maxSequence ? lastMs : lastMs + 1;
    const ms = Math.max(now, held, lease.validFromMs, requestIdEpochMs);
    return ms < lease.validUntilMs && ms <= maxRequestIdMs ? ms : -1;
  }

  return {
    setLease(next) {
      within("node", next.node, 0, maxNode);
      // Another node's IDs cannot clash with those issued so far, but those of one source shall still increase: lastMs stays,
      // and a lower node starts at the next millisecond.
      if (lease !== undefined && next.node !== lease.node) lastSequence = maxSequence;
      lease = next;
      baseMs = -1;
    },
    next() {
      const ms = nextMs();
      if (ms < 0 || lease === undefined) {
        throw new ThroughlineError("service_unavailable", "This gateway holds no valid node lease yet; retry shortly.");
      }
      lastSequence = ms === lastMs ? lastSequence + 1 : 0;
      lastMs = ms;
      if (ms !== baseMs) {
        base = fromParts({ unixMs: ms, node: lease.node, sequence: 0 });
        baseMs = ms;
      }
      return base | BigInt(lastSequence);
    },
    leaseValid: () => nextMs() >= 0,
    async renewed() {
      if (nextMs() < 0) await renew?.();
    },
    renewBy(next) {
      renew = next;
    },
  };
}

function within(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be an integer from ${min} to ${max}, not ${value}`);
  }
}
