import { ConnectFault, connectFault } from "./faults.ts";
import type { Connect } from "./line.ts";

/** Connections whose faults have a kind. */
export function named(connect: Connect): Connect {
  return (target, callback) =>
    connect(target, (...result) => {
      if (result[0] === null) callback(...result);
      else callback(connectFault(result[0], { secure: target.protocol === "https:", proxied: false }), null);
    });
}

/** The same by way of a proxy, whose answer undici awaits without a bound. */
export function tunnelled(connect: Connect, timeoutMs: number): Connect {
  return (target, callback) => {
    const stop = new AbortController();
    let waiting = true;
    const timer = timeoutMs === 0 ? undefined : setTimeout(onTimeout, timeoutMs);

    function onTimeout(): void {
      waiting = false;
      stop.abort();
      callback(new ConnectFault("connect_timeout", "UND_ERR_CONNECT_TIMEOUT"), null);
    }

    const bounded = { ...target, signal: stop.signal };
    connect(bounded, (...result) => {
      clearTimeout(timer);
      if (!waiting) {
        result[1]?.on("error", () => undefined).destroy();
        return;
      }
      waiting = false;
      if (result[0] === null) callback(...result);
      else callback(connectFault(result[0], { secure: target.protocol === "https:", proxied: true }), null);
    });
  };
}
