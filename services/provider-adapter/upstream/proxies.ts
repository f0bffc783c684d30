import { BlockList, isIP } from "node:net";

/** Which proxies lead to upstreams, as curl and others read them from the environment. */
export interface Proxies {
  /** For http addresses; empty: none. May hold a user and a password. */
  readonly http: string;
  /** For https addresses; empty: that of http. */
  readonly https: string;
  /** Hosts that are reached directly: names, which hold for names below them too, addresses, ranges, each with a port or without; "*": all. */
  readonly none: string;
}

/** True: any proxy is set. */
export function hasProxy({ http, https }: Proxies): boolean {
  return http !== "" || https !== "";
}

/**
 * Ranges such as 10.0.0.0/8 among the hosts that are reached directly. undici knows names and single addresses; ranges are
 * what a cluster has.
 */
export function createDirectRanges(none: string): (hostname: string) => boolean {
  const list = new BlockList();
  let any = false;
  for (const entry of none.split(/[,\s]+/)) {
    const [address = "", prefix = "", ...more] = entry.split("/");
    const family = isIP(address);
    const bits = Number(prefix);
    if (family === 0 || more.length > 0 || !/^\d{1,3}$/.test(prefix) || bits > (family === 4 ? 32 : 128)) continue;
    list.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
    any = true;
  }
  return (hostname) => {
    if (!any) return false;
    const address = hostname.replace(/^\[|\]$/g, "");
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 4 ? "ipv4" : "ipv6");
  };
}
