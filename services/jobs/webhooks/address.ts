import { ThroughlineError } from "../../../shared/errors/error.ts";
import { type AllowList, createAllowList } from "../../../shared/outbound/allow-list.ts";
import type { Guard } from "../../../shared/outbound/guard.ts";

/** Longest address of a receiver, characters. */
const maxUrlLength = 2_048;

/** Judges the addresses of receivers. */
export interface AddressCheck {
  /** Why nothing is sent there, a sentence without a subject; undefined: it may be. Resolves its host. */
  refusalOf(url: string): Promise<string | undefined>;
}

/** Creates the check. @param allow what an operator takes as public, and as safe without TLS. */
export function createAddressCheck(guard: Pick<Guard, "addressesOf">, allow: readonly string[]): AddressCheck {
  const list = createAllowList(allow);
  return {
    async refusalOf(text) {
      const url = URL.parse(text);
      if (url === null || text.length > maxUrlLength) return `is no URL of at most ${maxUrlLength} characters`;
      if (url.protocol !== "https:" && url.protocol !== "http:") return "must begin with https://";
      if (url.username !== "" || url.password !== "") return "must not hold a user name or a password";
      const addresses = await guard.addressesOf(url.hostname).catch(() => undefined);
      if (addresses === undefined) return "cannot be called: its host has no public address";
      if (url.protocol === "http:" && !isAllowed(list, url.hostname, addresses)) return "must begin with https://";
      return undefined;
    },
  };
}

function isAllowed(list: AllowList, hostname: string, addresses: readonly string[]): boolean {
  return list.host(hostname) || addresses.every((address) => list.address(address));
}

/** Refuses an address that may not be called: invalid_value. @param param the field that has it. */
export async function assertAddress(check: AddressCheck, url: string, param: string): Promise<void> {
  const why = await check.refusalOf(url);
  if (why !== undefined) throw new ThroughlineError("invalid_value", `${param} ${why}.`, { param });
}

/** Deliveries to addresses of one account and one origin share one bound. */
export function receiverOf(accountId: bigint, url: string): string {
  return `${accountId} ${URL.parse(url)?.origin ?? ""}`;
}
