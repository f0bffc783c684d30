import { promises as dns } from "node:dns";
import type { LookupFunction } from "node:net";
import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent, Pool, request } from "undici";
import { imageTypeOf } from "../../../shared/image-type.ts";
import { bounded } from "../upstream/connectors.ts";
import type { Connect } from "../upstream/line.ts";
import { hasProxy, type Proxies } from "../upstream/proxies.ts";
import { isPublicAddress } from "./public-address.ts";
import { documentTypeOf } from "./sniff.ts";

/** A picture. */
export interface FetchedImage {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** Why a picture was not fetched: a fixed text without addresses, for the client. */
export class ImageRefused extends Error {}

/** Addresses of a host. Rejects when it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** What tests may do that no configuration allows. */
export interface ImageAccess {
  /** Addresses that are taken as public, e.g. "127.0.0.1". */
  readonly allow?: readonly string[];
  /** Instead of DNS. */
  readonly resolve?: Resolve;
}

/** Options of `createImageFetcher`. */
export interface FetcherOptions extends ImageAccess {
  /** Largest picture, bytes. */
  readonly maxBytes: number;
  /** Bound on one picture, redirects included, milliseconds. */
  readonly timeoutMs: number;
  /** On the way to pictures. Default: none. */
  readonly proxies?: Proxies;
}

/** What is fetched. */
export type FetchedKind = "image" | "document";

const typeOf: Readonly<Record<FetchedKind, (bytes: Uint8Array) => string | undefined>> = {
  image: imageTypeOf,
  document: documentTypeOf,
};
const wanted: Readonly<Record<FetchedKind, { readonly accept: string; readonly refused: string }>> = {
  image: { accept: "image/*", refused: "it is not an image" },
  document: { accept: "application/pdf", refused: "it is not a PDF" },
};

/** Fetches pictures of strangers. */
export interface ImageFetcher {
  /** Throws ImageRefused, also where it is not of this kind, or the reason of the signal. */
  fetch(url: string, kind: FetchedKind, signal: AbortSignal): Promise<FetchedImage>;
  close(): Promise<void>;
}

const maxRedirects = 3;
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
// One answer for a name that does not exist and one that is ours: nobody shall learn the names of our network.
const notPublic = "its host has no public address";

/**
 * Creates the fetcher. A host is resolved once for each hop and the socket goes to the very addresses that were checked:
 * a name that changes between check and connection (DNS rebinding) has nothing to gain. Each hop has a socket of its own,
 * so no connection outlives its check. Names go to DNS alone, not to the system's files, and by threads of nobody: a slow
 * name server holds up no other name. A proxy is asked for a tunnel to the address that was checked, not to the name: what it
 * would make of that is its own affair.
 */
export function createImageFetcher(options: FetcherOptions): ImageFetcher {
  const { maxBytes, timeoutMs, allow = [], resolve, proxies } = options;
  const isAllowed = (address: string) => isPublicAddress(address) || allow.includes(address);
  const find = resolve ?? resolveByDns();

  const lookup: LookupFunction = (host, options, callback) => {
    find(host).then(
      (found) => {
        // One that is private makes all suspect.
        if (found.length === 0 || !found.every(isAllowed)) return callback(new ImageRefused(notPublic), []);
        const addresses = found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
        const [first] = addresses;
        if (options.all === true) callback(null, addresses);
        else callback(null, first?.address ?? "", first?.family);
      },
      () => callback(new ImageRefused(notPublic), []),
    );
  };
  const connect = buildConnector({ timeout: timeoutMs, allowH2: false, lookup });
  const checked: Connect = (target, callback) => {
    const host = bare(target.hostname);
    // An address in the URL needs no lookup, so none is checked there.
    if (isAddress(host) && !isAllowed(host)) return callback(new ImageRefused(notPublic), null);
    connect(target, (error, socket) => {
      if (error !== null) return callback(error, null);
      // Whatever went before: no byte goes to an address that is not public.
      if (isAllowed(socket.remoteAddress ?? "")) return callback(null, socket);
      socket.destroy();
      callback(new ImageRefused(notPublic), null);
    });
  };

  /** The same by the tunnel of a proxy. */
  function pinned(tunnel: Connect): Connect {
    const open = bounded(tunnel, { timeoutMs, proxied: true });
    return (target, callback) => {
      const host = bare(target.hostname);
      const addresses = isAddress(host) ? Promise.resolve([host]) : find(host);
      addresses.then(
        (found) => {
          const [address] = found;
          if (address === undefined || !found.every(isAllowed)) return callback(new ImageRefused(notPublic), null);
          const written = address.includes(":") ? `[${address}]` : address;
          const port = target.port === "" ? "" : `:${target.port}`;
          open({ ...target, hostname: address, host: written + port, servername: host }, callback);
        },
        () => callback(new ImageRefused(notPublic), null),
      );
    };
  }

  function createAgent(): Dispatcher {
    if (proxies === undefined || !hasProxy(proxies)) return new Agent({ allowH2: false, connect: checked });
    return new EnvHttpProxyAgent({
      httpProxy: proxies.http,
      httpsProxy: proxies.https,
      noProxy: proxies.none,
      proxyTunnel: true,
      allowH2: false,
      connect: checked,
      connectTimeout: timeoutMs * 2,
      factory: (origin, given: { readonly connect?: Connect }) => {
        const own = given.connect === undefined || given.connect === checked;
        return new Pool(origin, { allowH2: false, connect: own ? checked : pinned(given.connect ?? checked) });
      },
    });
  }

  const agent = createAgent();

  async function follow(given: string, kind: FetchedKind, signal: AbortSignal): Promise<FetchedImage> {
    let url = given;
    for (let hop = 0; hop <= maxRedirects; hop++) {
      const parsed = URL.parse(url);
      if (parsed === null || !["http:", "https:"].includes(parsed.protocol)) {
        throw new ImageRefused("it leads to an address that is neither http nor https");
      }
      if (parsed.username !== "" || parsed.password !== "") throw new ImageRefused("its address holds a password");
      const answer = await request(parsed, {
        dispatcher: agent,
        method: "GET",
        // One socket a hop.
        reset: true,
        headers: { accept: wanted[kind].accept, "user-agent": "throughline" },
        signal,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      });
      try {
        const { location } = answer.headers;
        if (redirects.has(answer.statusCode) && typeof location === "string") {
          url = URL.parse(location, parsed.href)?.href ?? location;
          continue;
        }
        if (answer.statusCode !== 200) throw new ImageRefused(`its server answered ${answer.statusCode}`);
        if (Number(answer.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
        return await read(answer.body, kind);
      } finally {
        answer.body.on("error", () => undefined).destroy();
      }
    }
    throw new ImageRefused(`it is redirected more than ${maxRedirects} times`);
  }

  async function read(body: AsyncIterable<Buffer>, kind: FetchedKind): Promise<FetchedImage> {
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of body) {
      length += part.length;
      if (length > maxBytes) throw tooLarge();
      parts.push(part);
    }
    const bytes = Buffer.concat(parts);
    const mediaType = typeOf[kind](bytes);
    if (mediaType === undefined) throw new ImageRefused(wanted[kind].refused);
    return { mediaType, bytes };
  }

  const tooLarge = () => new ImageRefused(`it is larger than ${maxBytes} bytes`);

  return {
    async fetch(url, kind, signal) {
      const timeout = AbortSignal.timeout(timeoutMs);
      try {
        return await follow(url, kind, AbortSignal.any([signal, timeout]));
      } catch (error) {
        if (error instanceof ImageRefused) throw error;
        signal.throwIfAborted();
        throw new ImageRefused(timeout.aborted ? "it did not come in time" : "its server could not be reached");
      }
    },
    close: () => agent.destroy(),
  };
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
