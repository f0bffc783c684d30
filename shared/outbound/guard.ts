import { promises as dns } from "node:dns";
import type { LookupFunction } from "node:net";
import type { buildConnector } from "undici";
import { createAllowList } from "./allow-list.ts";
import { isPublicAddress } from "./public-address.ts";

/** Opens connections; undici's own and those of its proxies have this form. */
export type Connect = buildConnector.connector;

/** Decides which addresses may be connected to. */
export interface Guard {
  /** Gives the addresses of a host that may be. */
  readonly lookup: LookupFunction;
  /** Connections, but for those to what may not be. */
  checked(connect: Connect): Connect;
  /** The same by the tunnel of a proxy. */
  pinned(tunnel: Connect): Connect;
  /** The addresses of a URL's host name. Throws AddressRefused where one of them may not be connected to, or none is there. */
  addressesOf(hostname: string): Promise<readonly string[]>;
}

/** Addresses of a host. Rejects when it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** What may be connected to beside public addresses. */
export interface OutboundAccess {
  /** Hosts, addresses and networks that are taken as public, e.g. "127.0.0.1" (createAllowList). */
  readonly allow?: readonly string[];
  /** Instead of DNS. */
  readonly resolve?: Resolve;
}

/** Why nothing was connected: a fixed text without addresses, for the client. */
export class AddressRefused extends Error {}

// One answer for a name that does not exist and one that is ours: nobody shall learn the names of our network.
const notPublic = "its host has no public address";

/**
 * Creates the guard of connections to strangers. A host is resolved once and the socket goes to the very addresses that were
 * checked: a name that changes between check and connection (DNS rebinding) has nothing to gain. Names go to DNS alone, not to
 * the system's files, and by threads of nobody: a slow name server holds up no other name. A proxy is asked for a tunnel to the
 * address that was checked, not to the name: what it would make of that is its own affair.
 */
export function createGuard({ allow = [], resolve }: OutboundAccess): Guard {
  const list = createAllowList(allow);
  const byDns = resolve ?? resolveByDns();
  // A host that an operator names may have its address in the system's files, or below its domain, as in Kubernetes.
  const find: Resolve = (host) => (resolve === undefined && list.host(host) ? resolveBySystem(host) : byDns(host));

  function isAllowed(host: string, address: string): boolean {
    return isPublicAddress(address) || list.address(address) || list.host(host);
  }

  async function addressesOf(hostname: string): Promise<readonly string[]> {
    const host = bare(hostname);
    const found = isAddress(host) ? [host] : await find(host).catch(() => []);
    // One that is private makes all suspect.
    if (found.length > 0 && found.every((address) => isAllowed(host, address))) return found;
    throw new AddressRefused(notPublic);
  }

  const lookup: LookupFunction = (host, options, callback) => {
    addressesOf(host).then(
      (found) => {
        const addresses = found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
        const [first] = addresses;
        if (options.all === true) callback(null, addresses);
        else callback(null, first?.address ?? "", first?.family);
      },
      () => callback(new AddressRefused(notPublic), []),
    );
  };

  function checked(connect: Connect): Connect {
    return (target, callback) => {
      const host = bare(target.hostname);
      // An address in the URL needs no lookup, so none is checked there.
      if (isAddress(host) && !isAllowed(host, host)) return callback(new AddressRefused(notPublic), null);
      return connect(target, (error, socket) => {
        if (error !== null) return callback(error, null);
        // Whatever went before: no byte goes to an address that is not public.
        if (isAllowed(host, socket.remoteAddress ?? "")) return callback(null, socket);
        socket.destroy();
        callback(new AddressRefused(notPublic), null);
      });
    };
  }

  function pinned(tunnel: Connect): Connect {
    return (target, callback) => {
      const host = bare(target.hostname);
      addressesOf(host).then(
        ([address = ""]) => {
          const written = address.includes(":") ? `[${address}]` : address;
          const port = target.port === "" ? "" : `:${target.port}`;
          tunnel({ ...target, hostname: address, host: written + port, servername: host }, callback);
        },
        () => callback(new AddressRefused(notPublic), null),
      );
    };
  }

  return { lookup, checked, pinned, addressesOf };
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** The URL parser wrote it in the usual form. */
function isAddress(host: string): boolean {
  return /^[\d.]+$|:/.test(host);
}

function resolveByDns(): Resolve {
  const resolver = new dns.Resolver({ timeout: 2_000, tries: 2 });
  return async (host) => {
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    return [four, six].flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  };
}

async function resolveBySystem(host: string): Promise<readonly string[]> {
  return (await dns.lookup(host, { all: true })).map(({ address }) => address);
}
