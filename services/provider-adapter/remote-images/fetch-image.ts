import { Agent, buildConnector, type Dispatcher, EnvHttpProxyAgent, Pool, request } from "undici";
import { imageTypeOf } from "../../../shared/image-type.ts";
import { AddressRefused, type Connect, createGuard, type OutboundAccess } from "../../../shared/outbound/guard.ts";
import { bounded } from "../upstream/connectors.ts";
import { hasProxy, type Proxies } from "../upstream/proxies.ts";
import { documentTypeOf } from "./sniff.ts";

/** A picture. */
export interface FetchedImage {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** Why a picture was not fetched: a fixed text without addresses, for the client. */
export class ImageRefused extends Error {}

/** Options of `createImageFetcher`. */
export interface FetcherOptions extends OutboundAccess {
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

/** Creates the fetcher. Each hop has a socket of its own, so no connection outlives its check (guard.ts). */
export function createImageFetcher(options: FetcherOptions): ImageFetcher {
  const { maxBytes, timeoutMs, proxies } = options;
  const guard = createGuard(options);
  const checked = guard.checked(buildConnector({ timeout: timeoutMs, allowH2: false, lookup: guard.lookup }));
  const pinned = (tunnel: Connect) => guard.pinned(bounded(tunnel, { timeoutMs, proxied: true }));

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
        if (error instanceof AddressRefused) throw new ImageRefused(error.message);
        signal.throwIfAborted();
        throw new ImageRefused(timeout.aborted ? "it did not come in time" : "its server could not be reached");
      }
    },
    close: () => agent.destroy(),
  };
}
