import { createWay, type Way, type WayOptions } from "./way.ts";

/** How full the pool of one origin is. */
export interface Load {
  /** Calls that have a connection. */
  running: number;
}

/** The connections that are made within one time. */
export interface Transport {
  /** Connections are kept and used again. */
  readonly kept: Way;
  /** Each call has a new connection, which is closed behind it. */
  fresh(): Way;
  /** Calls that are open. */
  open: number;
  loadOf(origin: string): Load;
  destroy(): Promise<void>;
}

/** All transports of a client: one for each bound on connecting. */
export interface Transports {
  /** Undefined: the client's own bound. */
  of(connectTimeoutMs: number | undefined): Transport;
  destroy(): Promise<void>;
}

/** Options of `createTransports`. */
export type TransportOptions = WayOptions;

/** Bounds on connecting whose pools are kept: channels may change theirs at run time for as long as the process lives. */
const maxTransports = 32;
const maxLoads = 1_000;

/** Creates them; opens nothing until a call is made. */
export function createTransports(options: TransportOptions): Transports {
  const known = new Map<number, Transport>();

  function makeRoom(): void {
    if (known.size < maxTransports) return;
    for (const [bound, transport] of known) {
      if (transport.open > 0 || bound === options.connectTimeoutMs) continue;
      known.delete(bound);
      // Nothing is open, so nothing is lost.
      void transport.destroy();
      return;
    }
  }

  return {
    of(connectTimeoutMs = options.connectTimeoutMs) {
      let transport = known.get(connectTimeoutMs);
      if (transport === undefined) {
        makeRoom();
        transport = createTransport(options, connectTimeoutMs);
        known.set(connectTimeoutMs, transport);
      }
      return transport;
    },
    async destroy() {
      await Promise.all([...known.values()].map((transport) => transport.destroy()));
    },
  };
}

function createTransport(options: TransportOptions, connectTimeoutMs: number): Transport {
  const loads = new Map<string, Load>();
  const kept = createWay({ ...options, connectTimeoutMs });
  let fresh: Way | undefined;
  return {
    kept,
    fresh() {
      fresh ??= createWay({ ...options, connectTimeoutMs });
      return fresh;
    },
    open: 0,
    loadOf(origin) {
      let load = loads.get(origin);
      if (load === undefined) {
        if (loads.size >= maxLoads) for (const [name, { running }] of loads) if (running === 0) loads.delete(name);
        load = { running: 0 };
        loads.set(origin, load);
      }
      return load;
    },
    async destroy() {
      await Promise.all([kept.destroy(), fresh?.destroy()]);
    },
  };
}
