import { Socket } from "node:net";
import type { Connect } from "../../../shared/outbound/guard.ts";
import { ConnectFault, connectFault } from "./faults.ts";

/** Options of `bounded`. */
export interface BoundOptions {
  /** Bound on one connection, milliseconds; 0: none. */
  readonly timeoutMs: number;
  /** A proxy makes the connection. */
  readonly proxied: boolean;
}

/**
 * Connections that are made in time, and whose faults have a kind. undici's own bound is by a timer of half a second, early or
 * late, and it has none on the answer of a proxy: a tunnel that comes to nothing is given up by the signal.
 */
export function bounded(connect: Connect, { timeoutMs, proxied }: BoundOptions): Connect {
  return (target, callback) => {
    const stop = proxied ? new AbortController() : undefined;
    let waiting = true;
    const timer = timeoutMs === 0 ? undefined : setTimeout(onTimeout, timeoutMs);

    function onTimeout(): void {
      waiting = false;
      stop?.abort();
      if (opening instanceof Socket) opening.destroy();
      callback(new ConnectFault("connect_timeout", "UND_ERR_CONNECT_TIMEOUT"), null);
    }

    const given = stop === undefined ? target : { ...target, ...{ signal: stop.signal } };
    // undici gives the socket that it opens, though its types do not say so.
    const opening: unknown = connect(given, (...result) => {
      clearTimeout(timer);
      if (!waiting) {
        result[1]?.on("error", () => undefined).destroy();
        return;
      }
      waiting = false;
      if (result[0] === null) callback(...result);
      else callback(connectFault(result[0], { secure: target.protocol === "https:", proxied }), null);
    });
  };
}
