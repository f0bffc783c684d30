import type { Socket } from "node:net";

/** Takes heads of status 1xx out of what a socket says. */
export interface InterimHeads {
  /** The next thing that the socket says is the head of an answer. */
  expect(): void;
}

/** Longest 1xx head that is waited for. */
const maxHeadBytes = 64 * 1024;
/** "HTTP/1.1 1": so much must be there to tell an interim head. */
const startBytes = 10;
const headEnd = "\r\n\r\n";

type Seen =
  /** More must come before it can be told. */
  | "part"
  /** It is none, or the one that ends HTTP on the connection. */
  | "other"
  /** So many bytes are an interim head. */
  | number;

/**
 * Installs it. undici takes 103, but closes the connection at a `100 Continue` that it did not ask for, though a client must
 * take any number of 1xx heads (RFC 9110, 15.2). It reads by `read()` alone, so what that gives is looked at until the
 * final head begins: one comparison an answer.
 */
export function skipInterimHeads(socket: Socket): InterimHeads {
  const read = socket.read.bind(socket);
  let expected = false;
  let held: Buffer | undefined;

  function next(): Buffer | null {
    for (;;) {
      const came: unknown = read();
      if (!(came instanceof Buffer)) return null;
      let bytes = held === undefined ? came : Buffer.concat([held, came]);
      held = undefined;
      let seen = look(bytes);
      while (typeof seen === "number") {
        bytes = bytes.subarray(seen);
        seen = bytes.length === 0 ? "part" : look(bytes);
      }
      if (seen === "other" || bytes.length > maxHeadBytes) {
        expected = false;
        return bytes;
      }
      if (bytes.length > 0) held = bytes;
    }
  }

  socket.read = (size?: number): unknown => (expected && size === undefined ? next() : read(size));
  return {
    expect() {
      expected = true;
      held = undefined;
    },
  };
}

function look(bytes: Buffer): Seen {
  const start = bytes.toString("latin1", 0, Math.min(bytes.length, startBytes + 2));
  if (!/^HTTP\/1\.\d 1/.test(start))
    return "HTTP/1.1 1".startsWith(start) || "HTTP/1.0 1".startsWith(start) ? "part" : "other";
  if (start.length < startBytes + 2) return "part";
  // It would be the end of HTTP on this connection.
  if (start.endsWith("101")) return "other";
  const end = bytes.indexOf(headEnd, startBytes, "latin1");
  return end < 0 ? "part" : end + headEnd.length;
}
