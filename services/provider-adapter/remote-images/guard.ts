import { promises as dns } from "node:dns";
import type { LookupFunction } from "node:net";
import type { Connect } from "../upstream/line.ts";
import type { Guard } from "../upstream/way.ts";
import { isPublicAddress } from "./public-address.ts";

/** Addresses of a host. Rejects when it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** What tests may do that no configuration allows. */
export interface ImageAccess {
  /** Addresses that are taken as public, e.g. "127.0.0.1". */
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
export function createGuard({ allow = [], resolve }: ImageAccess): Guard {
  const isAllowed = (address: string) => isPublicAddress(address) || allow.includes(address);
  const find = resolve ?? resolveByDns();

  const lookup: LookupFunction = (host, options, callback) => {
    find(host).then(
      (found) => {
        // One that is private makes all suspect.
        if (found.length === 0 || !found.every(isAllowed)) return callback(new AddressRefused(notPublic), []);
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
      if (isAddress(host) && !isAllowed(host)) return callback(new AddressRefused(notPublic), null);
      return connect(target, (error, socket) => {
        if (error !== null) return callback(error, null);
        // Whatever went before: no byte goes to an address that is not public.
        if (isAllowed(socket.remoteAddress ?? "")) return callback(null, socket);
        socket.destroy();
        callback(new AddressRefused(notPublic), null);
      });
    };
  }

  function pinned(tunnel: Connect): Connect {
    return (target, callback) => {
      const host = bare(target.hostname);
      const addresses = isAddress(host) ? Promise.resolve([host]) : find(host);
      addresses.then(
        (found) => {
          const [address] = found;
          if (address === undefined || !found.every(isAllowed)) return callback(new AddressRefused(notPublic), null);
          const written = address.includes(":") ? `[${address}]` : address;
          const port = target.port === "" ? "" : `:${target.port}`;
          tunnel({ ...target, hostname: address, host: written + port, servername: host }, callback);
        },
        () => callback(new AddressRefused(notPublic), null),
      );
    };
  }

  return { lookup, checked, pinned };
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
