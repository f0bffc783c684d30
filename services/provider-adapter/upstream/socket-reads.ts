import type { OnReadOpts, Socket } from "node:net";
import type { Connect } from "../../../shared/outbound/guard.ts";

/** What is read into, by one socket after the other: what came is copied before the next one is read. */
const small = Buffer.allocUnsafeSlow(16 * 1024);
/** The same of a long body: a third as many reads, and one of them is what a call may hear in a turn of the loop. */
const large = Buffer.allocUnsafeSlow(48 * 1024);

const long = new WeakSet<Socket>();
/** What the socket that was read just now is read into next. */
let next = small;

/**
 * How sockets of upstreams are read: Node by itself reads 64 KiB at a time, of which a stream that nobody reads kept one to three, and asks the
 * system for as much memory for each chunk of a stream that is read, only to give most of it back. Absent on Windows, where
 * the system is given the memory of each read beforehand.
 */
export const socketReads: { readonly onread?: OnReadOpts } =
  process.platform === "win32" ? {} : { onread: { buffer: nextBuffer, callback: take } };

/**
 * Notes the sockets that a connector of `socketReads` opens: they stand still as soon as they are paused. Others are read until what they hold
 * is full, and what a proxy's tunnel leads through is opened by undici itself.
 */
export function noting(connect: Connect, opened: WeakSet<Socket>): Connect {
  if (socketReads.onread === undefined) return connect;
  return (target, callback) =>
    connect(target, (...result) => {
      if (result[0] === null) opened.add(result[1]);
      callback(...result);
    });
}

/** Says whether what comes over a socket is a long body, from the next read but one on. */
export function expectLong(socket: Socket, isLong: boolean): void {
  if (isLong) long.add(socket);
  else long.delete(socket);
}

/** Called by a socket as it opens, and right behind each `take`. */
function nextBuffer(): Buffer {
  const given = next;
  next = small;
  return given;
}

/** Called by a socket. False: it is read no further for now. */
function take(this: unknown, bytes: number, buffer: Uint8Array): boolean {
  const socket = this as Socket;
  const copy = Buffer.allocUnsafeSlow(bytes);
  copy.set(bytes === buffer.length ? buffer : buffer.subarray(0, bytes));
  const more = socket.push(copy);
  if (long.has(socket)) next = large;
  return more;
}
