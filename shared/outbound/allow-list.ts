import ipaddr from "ipaddr.js";

/** What an operator takes as reachable although it is not public. */
export interface AllowList {
  /** True: the host is named in the list. */
  host(name: string): boolean;
  /** True: the address, or a network that it is in, is named in the list. */
  address(text: string): boolean;
}

/** Host names as URLs have them, in lower case; a leading `*.` stands for all names below. */
const hostName = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * Creates the list of hosts (`hooks.internal`, `*.internal`), addresses (`10.0.0.7`) and networks (`10.0.0.0/8`).
 * Throws RangeError that repeats an entry which is none of them.
 */
export function createAllowList(entries: readonly string[]): AllowList {
  const hosts = new Set<string>();
  const networks: (readonly [Address, number])[] = [];
  for (const entry of entries.map((text) => text.trim().toLowerCase())) {
    if (ipaddr.IPv4.isValidFourPartDecimal(entry) || ipaddr.IPv6.isValid(entry)) {
      const address = ipaddr.parse(entry);
      networks.push([address, address.kind() === "ipv4" ? 32 : 128]);
    } else if (entry.includes("/") && ipaddr.isValidCIDR(entry)) networks.push(ipaddr.parseCIDR(entry));
    else if (hostName.test(entry) && !/^[\d.]+$/.test(entry)) hosts.add(entry);
    else throw new RangeError(`"${entry.slice(0, 100)}" is no host, address or network`);
  }
  return {
    host(name) {
      const lower = name.toLowerCase();
      if (hosts.has(lower)) return true;
      for (let dot = lower.indexOf("."); dot >= 0; dot = lower.indexOf(".", dot + 1)) {
        if (hosts.has(`*${lower.slice(dot)}`)) return true;
      }
      return false;
    },
    address(text) {
      // Only the usual form, as in isPublicAddress; an address of IPv4 within one of IPv6 is another address.
      if (!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) return false;
      const address = ipaddr.parse(text);
      return networks.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits));
    },
  };
}
