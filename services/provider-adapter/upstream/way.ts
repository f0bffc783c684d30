import type { Socket } from "node:net";
import { Agent, buildConnector, type Client, type Dispatcher, EnvHttpProxyAgent, Pool } from "undici";
import type { Connect, Guard } from "../../../shared/outbound/guard.ts";
import { bounded } from "./connectors.ts";
import { createLineClient } from "./line.ts";
import { createDirectHosts, hasProxy, type Proxies } from "./proxies.ts";
import { noting, smallReads } from "./small-reads.ts";

/** Pools of connections, one for each origin. */
export interface Way {
  dispatch(options: Agent.DispatchOptions, handler: Dispatcher.DispatchHandler): unknown;
  destroy(): Promise<void>;
}

/** Options of `createWay`. */
export interface WayOptions {
  /** Bound on making a connection: resolution, TCP, a proxy's tunnel and TLS together. 0: none. */
  readonly connectTimeoutMs: number;
  readonly maxConnectionsPerOrigin: number;
  readonly keepAliveMs: number;
  /** Certificate authorities (PEM) trusted instead of the system's. */
  readonly ca: string | undefined;
  readonly proxies: Proxies;
  /** Undefined: all addresses may be connected to. */
  readonly guard: Guard | undefined;
}

/** What a stalled socket may hold here: undici's own 64 KiB would be most of a paused stream's memory. */
const socketOptions = { highWaterMark: 16 * 1024 };

/** Creates the pools; opens nothing until a call is made. Where a proxy is set they lead through it. */
export function createWay(options: WayOptions): Way {
  const { ca, connectTimeoutMs, guard, proxies } = options;
  // One call a socket: an abort closes exactly that socket, and a slow reader stalls nobody else.
  const tls = { allowH2: false, ...socketOptions, ...(ca === undefined ? {} : { ca }) };
  const lookup = guard === undefined ? {} : { lookup: guard.lookup };
  const secured = buildConnector({ timeout: 0, ...tls, ...lookup });
  const holdable = new WeakSet<Socket>();
  const plain = noting(buildConnector({ timeout: 0, ...socketOptions, ...smallReads, ...lookup }), holdable);
  const direct: Connect = (to, connected) => (to.protocol === "https:" ? secured : plain)(to, connected);
  const connect = guard?.checked(direct) ?? direct;
  const clientOptions: Client.Options = {
    keepAliveTimeout: options.keepAliveMs,
    allowH2: false,
    // The watch does this with one timer; undici's would be set three times a request.
    headersTimeout: 0,
    bodyTimeout: 0,
  };

  /** The pool of an origin. `given.connect` is ours, or makes the connection by way of a proxy. */
  function factory(origin: string | URL, given: { readonly connect?: Connect }): Dispatcher {
    const own = given.connect === undefined || given.connect === connect;
    const tunnel = own ? undefined : given.connect;
    const open = tunnel === undefined ? connect : (guard?.pinned(tunnel) ?? tunnel);
    const opener = bounded(open, { timeoutMs: connectTimeoutMs, proxied: !own });
    return new Pool(origin, {
      ...clientOptions,
      connections: options.maxConnectionsPerOrigin,
      factory: (target) => createLineClient(target, clientOptions, opener, holdable),
    });
  }

  const agent = new Agent({ connect, factory });
  if (!hasProxy(proxies)) return agent;
  const isDirect = createDirectHosts(proxies.none);
  const proxied = new EnvHttpProxyAgent({
    // Empty, not left out: undici would read the environment of the process.
    httpProxy: proxies.http,
    httpsProxy: proxies.https,
    noProxy: proxies.none,
    // A request without a tunnel goes to the name of a host, which the proxy looks up by itself.
    ...(guard === undefined ? {} : { proxyTunnel: true }),
    connect,
    // Ours comes first; this one closes what became of it.
    connectTimeout: connectTimeoutMs * 2,
    requestTls: tls,
    proxyTls: { allowH2: false, ...socketOptions },
    factory,
  });
  return {
    dispatch(request, handler) {
      const way = isDirect(new URL(request.origin ?? "").hostname) ? agent : proxied;
      return way.dispatch(request, handler);
    },
    async destroy() {
      await Promise.all([agent.destroy(), proxied.destroy()]);
    },
  };
}
