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
    const range = rangeOf(entry);
    if (range !== undefined) list.addSubnet(range.address, range.bits, range.family);
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
    http: proxyAddress(given(env, "HTTP_PROXY")),
    https: proxyAddress(given(env, "HTTPS_PROXY")),
    none: directHosts(given(env, "NO_PROXY")),
  };
}

interface Given {
  /** The spelling that was read. */
  readonly name: string;
  readonly text: string;
}

function given(env: Env, name: string): Given {
  const lower = env[name.toLowerCase()]?.trim() ?? "";
  return lower === "" ? { name, text: env[name]?.trim() ?? "" } : { name: name.toLowerCase(), text: lower };
}

function proxyAddress({ name, text }: Given): string {
  if (text === "") return "";
  // Without a scheme it is the host of a plain proxy, to everybody who reads the variable. Its port is 1080 to some and 80 to
  // others, so there it must be said; a word alone is no address.
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  const url = URL.parse(hasScheme ? text : `http://${text}`);
  const isAddress = url !== null && ["http:", "https:"].includes(url.protocol) && (hasScheme || /:\d+\/?$/.test(text));
  if (!isAddress) {
    throw new ConfigError(
      name,
      `${name} must be the address of an http or https proxy, such as http://proxy.example.com:3128`,
    );
  }
  return url.href;
}

/** What undici and `createDirectHosts` understand. Another entry would match nothing, and its host be asked by way of the proxy. */
function directHosts({ name, text }: Given): string {
  for (const entry of text.split(/[,\s]+/)) {
    if (entry === "" || isDirectHost(entry)) continue;
    throw new ConfigError(
      name,
      `${name}: "${entry.slice(0, 100)}" is no name (example.com, .example.com, *.example.com), address, range (10.0.0.0/8) or *`,
    );
  }
  return text;
}

function isDirectHost(entry: string): boolean {
  const [, bracketed, plain, port = "443"] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  if (isIP(entry) !== 0 || rangeOf(entry) !== undefined) return true;
  if (Number(port) < 1 || Number(port) > 65_535) return false;
  return (
    isIP(bracketed ?? "") === 6 ||
    plain === "*" ||
    /^(?:\*?\.)?[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)*\.?$/u.test(plain ?? "")
  );
}

interface Range {
  readonly address: string;
  readonly bits: number;
  readonly family: "ipv4" | "ipv6";
}

/** A range such as 10.0.0.0/8; undefined: the text is none. */
function rangeOf(entry: string): Range | undefined {
  const [address = "", prefix = "", ...more] = entry.split("/");
  const version = isIP(address);
  const bits = Number(prefix);
  if (version === 0 || more.length > 0 || !/^\d{1,3}$/.test(prefix) || bits > (version === 4 ? 32 : 128))
    return undefined;
  return { address, bits, family: version === 4 ? "ipv4" : "ipv6" };
}
