import { createServer, type Server, type Socket } from "node:net";
import { listenFault } from "../../shared/listen-fault.ts";

/** Where a server listens, and how many connections it takes. */
export interface DoorOptions {
  readonly host: string;
  readonly port: number;
  /** Most connections, through all doors together. */
  readonly most: number;
  /** Connections that are open. */
  readonly open: () => number;
  /** One more was refused. */
  readonly refused: () => void;
}

/** Listening sockets on the port of a server, beside its own. */
export interface Doors {
  /** Takes no more connections; resolves when those that came this way have ended. */
  close(): Promise<void>;
}

/**
 * A listening socket gives one connection in a turn of the loop, and a turn under load takes 5 to 10 ms: the last of 256 clients
 * that came at once, as after a rollout, waited 1.6 s. The system spreads connections over sockets that share a port. Of 256
 * clients the last one was taken in the 255th turn by one socket, in the 22nd by 16, the 15th by 32, the 9th by 64 and the
 * 7th by 128; a client costs the same by any of them.
 */
const doors = 64;
/** Elsewhere than on Linux the system does not spread them, or does not know the option. */
export const sharesPort = process.platform === "linux";

/** Rejects with a ConfigError where something listens on this port. A port that may be shared is one that others can be given part of. */
export async function assertNobodyListens(host: string, port: number): Promise<void> {
  if (port === 0) return;
  const probe = createServer();
  await new Promise<void>((resolve, reject) => void probe.once("error", reject).listen(port, host, resolve)).catch(
    (cause: unknown) => {
      throw listenFault(`${host}:${port}`, ["HOST", "PORT"], cause);
    },
  );
  await new Promise((resolve) => probe.close(resolve));
}

/** Opens further listening sockets for an HTTP server that listens on a port which may be shared. */
export async function openDoors(server: Server, options: DoorOptions): Promise<Doors> {
  const { host, port, most, open, refused } = options;
  let through = 0;

  /** Connections by other sockets count for the server's own bound, too. */
  function note(change: number): void {
    through += change;
    server.maxConnections = Math.max(0, most - through);
  }

  function take(socket: Socket): void {
    if (open() >= most) {
      refused();
      socket.destroy();
      return;
    }
    note(1);
    socket.once("close", () => note(-1));
    server.emit("connection", socket);
  }

  const others = await Promise.all(
    Array.from({ length: sharesPort ? doors - 1 : 0 }, async () => {
      // As node:http makes its own.
      const door = createServer({ allowHalfOpen: true, noDelay: true }, take);
      await new Promise<void>((resolve, reject) => {
        door.once("error", reject).listen({ host, port, reusePort: true }, () => {
          door.off("error", reject);
          resolve();
        });
      });
      return door;
    }),
  );
  return {
    async close() {
      await Promise.all(others.map((door) => new Promise((resolve) => door.close(resolve))));
    },
  };
}
