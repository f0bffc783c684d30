import type { OnReadOpts, Socket } from "node:net";
import type { Connect } from "../../../shared/outbound/guard.ts";

/** Bytes that a socket is read of at a time. */
const readBytes = 16 * 1024;

/** What is read into, by one socket after the other: what came is copied before the next one is read. */
const shared = Buffer.allocUnsafeSlow(readBytes);

/**
 * How sockets of upstreams are read: Node by itself reads 64 KiB at a time, of which a stream that nobody reads kept one to three, and asks the
 * system for as much memory for each chunk of a stream that is read, only to give most of it back. Absent on Windows, where
 * the system is given the memory of each read beforehand.
 */
export const smallReads: { readonly onread?: OnReadOpts } =
  process.platform === "win32" ? {} : { onread: { buffer: shared, callback: take } };

/**
 * Notes the sockets that a connector of `smallReads` opens: they stand still as soon as they are paused. Others are read until what they hold
 * is full, and what a proxy's tunnel leads through is opened by undici itself.
 */
export function noting(connect: Connect, opened: WeakSet<Socket>): Connect {
  if (smallReads.onread === undefined) return connect;
  return (target, callback) =>
    connect(target, (...result) => {
      if (result[0] === null) opened.add(result[1]);
      callback(...result);
    });
}

/** Called by a socket. False: it is read no further for now. */
function take(this: unknown, bytes: number, buffer: Uint8Array): boolean {
  const copy = Buffer.allocUnsafeSlow(bytes);
  copy.set(bytes === buffer.length ? buffer : buffer.subarray(0, bytes));
  return (this as Socket).push(copy);
}
