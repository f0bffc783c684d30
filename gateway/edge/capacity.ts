import { readFileSync } from "node:fs";
import type { Server } from "node:net";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { RefusalCounts } from "./refusal-counts.ts";

/** Descriptors that are left to files, the database, other processes and what listens, which is 64 of them (doors.ts). */
const otherDescriptors = 112;
const mostConnections = 10_000;
/** A connection whose request is answered has a second descriptor, the one to its upstream. */
const descriptorsPerConnection = 2;

/** Most connections of clients where nothing is set: half of what the process may open, at most 10,000. */
export function connectionsOf(descriptors: number): number {
  const most = Math.floor((descriptors - otherDescriptors) / descriptorsPerConnection);
  return Math.max(16, Math.min(mostConnections, most));
}

/** Descriptors that this process may open; where the system does not tell: no bound. */
export function descriptorLimit(): number {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return line === null ? Number.POSITIVE_INFINITY : Number(line[1]);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** What an operator should know where connections may need more descriptors than there are; undefined: there are enough. */
export function shortageOf(connections: number, descriptors: number): string | undefined {
  const needed = otherDescriptors + connections * descriptorsPerConnection;
  if (needed <= descriptors) return undefined;
  return `this process may open ${descriptors} files and ${connections} connections may need ${needed}: requests will fail; raise its limit (ulimit -n) or lower MAX_CONNECTIONS`;
}

/**
 * Bytes of bodies that may be kept together where nothing is set. A body is there as its bytes, as their text and as what was
 * parsed, and one character that is no Latin-1 makes two bytes of each: 16 bodies of 15 MB with such characters ended a process
 * whose heap may have 512 MB, as it may in a container of 1 GiB.
 *
 * @param heapBytes how large V8 lets the heap of this process become.
 */
export function bodyMemoryOf(heapBytes: number): number {
  return Math.floor(heapBytes / 5);
}

/**
 * Keeps a server from taking more connections than it has descriptors for: the system would drop them without a word. Gives
 * what counts a connection that was refused elsewhere.
 */
export function limitConnections(server: Server, most: number, refusals: RefusalCounts): () => void {
  const refused = (): void => refusals.count("connections", `MAX_CONNECTIONS=${most}`);
  server.maxConnections = most;
  server.on("drop", refused);
  return refused;
}

/** Counts a server's connections as they come and go; gives what reads the count. */
export function countConnections(server: Server): () => number {
  let open = 0;
  server.on("connection", (socket) => {
    open += 1;
    socket.once("close", () => {
      open -= 1;
    });
  });
  return () => open;
}

/** Room that requests share: memory for bodies, disk for uploads. */
export interface Room {
  /** Bytes that are kept now. */
  readonly held: () => number;
  /** Takes room of this size. Throws service_unavailable where there is none. */
  take(bytes: number): void;
  /** Gives room back. */
  give(bytes: number): void;
}

/** Creates the account of bodies in memory. */
export function createBodyMemory(limitBytes: number, refusals: RefusalCounts): Room {
  return createRoom(limitBytes, () => refusals.count("body_memory", `BODY_MEMORY_BYTES=${limitBytes}`));
}

/** Creates the account of uploads on disk. */
export function createSpoolRoom(limitBytes: number, refusals: RefusalCounts): Room {
  return createRoom(limitBytes, () => refusals.count("spool", `SPOOL_BYTES=${limitBytes}`));
}

/** A body above the limit is taken while no other is there, or it never would be. */
function createRoom(limitBytes: number, refused: () => void): Room {
  let held = 0;
  return {
    held: () => held,
    take(bytes) {
      if (held > 0 && held + bytes > limitBytes) {
        refused();
        throw new ThroughlineError("service_unavailable", "The gateway keeps as many bodies as it can.", {
          retryAfterMs: 1_000,
        });
      }
      held += bytes;
    },
    give(bytes) {
      held -= bytes;
    },
  };
}
