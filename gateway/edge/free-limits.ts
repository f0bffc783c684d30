import ipaddr from "ipaddr.js";
import { LRUCache } from "lru-cache";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { EdgeRefusal } from "../../shared/telemetry/index.ts";
import type { GatewayConfig } from "../config.ts";
import { createMinuteCounts } from "./minute-counts.ts";
import type { RefusalCounts } from "./refusal-counts.ts";

/** Keys that are remembered as good, by the SHA-256 of their secrets, and for how long. */
const maxGood = 100_000;
const goodForMs = 3_600_000;
/** Bits of an IPv6 address that are its network's: who has one has all of it. */
const networkBits = 64;

/** Limits of what costs nothing, a minute: of keys, and of addresses that bring none. Of this process, and approximate. */
export interface FreeLimits {
  /** Throws where the address has brought too many unusable keys, unless this secret was good before. */
  admitSecret(secretSha256: string, address: string): void;
  /** The secret is a key's. */
  good(secretSha256: string): void;
  /** The secret is none, or no longer one; empty: none was sent. */
  unknown(secretSha256: string, address: string): void;
  /** Counts requests of a key that cost nothing. Throws where they are too many. */
  takeFree(keyId: bigint, requests: number): void;
  /** Throws where a key's invalid requests outnumber those that were served by too many. */
  admitPaid(keyId: bigint): void;
  /** A request of the key was served. */
  served(keyId: bigint): void;
  /** A request of the key was invalid. */
  invalid(keyId: bigint): void;
  /** Whether one more refusal of the key is recorded this minute; counts it. */
  mayRecord(keyId: bigint): boolean;
}

/** Creates the limits of a gateway. */
export function createFreeLimits(config: GatewayConfig, refusals: RefusalCounts): FreeLimits {
  const strangers = createMinuteCounts<string>(config.unknownKeysPerMinute);
  const free = createMinuteCounts<bigint>(config.freeRequestsPerMinute);
  const invalid = createMinuteCounts<bigint>(config.invalidRequestsPerMinute);
  const recorded = createMinuteCounts<bigint>(config.refusalRecordsPerMinute);
  const goodSecrets = new LRUCache<string, true>({ max: maxGood, ttl: goodForMs });

  function refuse(reason: EdgeRefusal, limit: string, message: string, waitMs: number): never {
    refusals.count(reason, limit);
    throw new ThroughlineError("rate_limit_exceeded", message, { retryAfterMs: waitMs });
  }

  return {
    admitSecret(secretSha256, address) {
      const waitMs = strangers.waitMs(networkOf(address));
      if (waitMs === 0 || goodSecrets.has(secretSha256)) return;
      const limit = `UNKNOWN_KEYS_PER_MINUTE=${config.unknownKeysPerMinute}`;
      refuse("unknown_keys", limit, "Too many requests with unusable API keys came from your address.", waitMs);
    },
    good: (secretSha256) => void goodSecrets.set(secretSha256, true),
    unknown(secretSha256, address) {
      goodSecrets.delete(secretSha256);
      strangers.add(networkOf(address), 1);
    },
    takeFree(keyId, requests) {
      const waitMs = free.waitMs(keyId);
      if (waitMs === 0) return free.add(keyId, requests);
      const limit = `FREE_REQUESTS_PER_MINUTE=${config.freeRequestsPerMinute}`;
      refuse("free_requests", limit, "This key has sent too many requests that cost nothing this minute.", waitMs);
    },
    admitPaid(keyId) {
      const waitMs = invalid.waitMs(keyId);
      if (waitMs === 0) return;
      const limit = `INVALID_REQUESTS_PER_MINUTE=${config.invalidRequestsPerMinute}`;
      refuse("invalid_requests", limit, "This key has sent too many invalid requests this minute.", waitMs);
    },
    served: (keyId) => invalid.add(keyId, -1),
    invalid: (keyId) => invalid.add(keyId, 1),
    mayRecord(keyId) {
      if (recorded.waitMs(keyId) > 0) return false;
      recorded.add(keyId, 1);
      return true;
    },
  };
}

/** The network that an address counts for. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address.slice(0, 64);
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv4") return parsed.toString();
  return ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/${networkBits}`).toString();
}
