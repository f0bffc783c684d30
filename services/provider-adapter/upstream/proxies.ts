import { BlockList, isIP } from "node:net";
import { ConfigError, type Env } from "../../../shared/config.ts";

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
 * Hosts that are reached directly, beside the names and addresses that undici knows of itself: ranges such as 10.0.0.0/8,
 * which is what a cluster has, and this machine, where no proxy could find them.
 */
export function createDirectHosts(none: string): (hostname: string) => boolean {
  const list = new BlockList();
  list.addSubnet("127.0.0.0", 8);
  list.addAddress("::1", "ipv6");
  for (const entry of none.split(/[,\s]+/)) {
    const [address = "", prefix = "", ...more] = entry.split("/");
    const family = isIP(address);
    const bits = Number(prefix);
    if (family === 0 || more.length > 0 || !/^\d{1,3}$/.test(prefix) || bits > (family === 4 ? 32 : 128)) continue;
    list.addSubnet(address, bits, family === 4 ? "ipv4" : "ipv6");
  }
  return (hostname) => {
    const address = hostname.replace(/^\[|\]$/g, "");
    const family = isIP(address);
    if (family === 0) return address === "localhost" || address.endsWith(".localhost");
    return list.check(address, family === 4 ? "ipv4" : "ipv6");
  };
}

/**
 * The proxies that the environment names. Both spellings count, the lower-case one first, as curl has it. Throws ConfigError,
 * which names the variable and never its value: that may hold a password.
 */
export function proxiesOf(env: Env): Proxies {
  return {
    http: proxyAddress(env, "HTTP_PROXY"),
    https: proxyAddress(env, "HTTPS_PROXY"),
    none: given(env, "NO_PROXY"),
  };
}

function given(env: Env, name: string): string {
  return env[name.toLowerCase()]?.trim() || env[name]?.trim() || "";
}

function proxyAddress(env: Env, name: string): string {
  const text = given(env, name);
  if (text === "") return "";
  // Without a scheme it is the host of a plain proxy, to everybody who reads the variable.
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new ConfigError(name, `${name} must be the address of an http or https proxy`);
  }
  return url.href;
}
