import { type ClientDuplexStream, Metadata, type ServerDuplexStream, status } from "@grpc/grpc-js";
import { decodeItems, decodeResults } from "./decode.ts";
import { batchBytes, createItemEncoder, type ResultEncoder } from "./encode.ts";
import type { GrpcChannels } from "./grpc-channels.ts";
import type { ClientLink, OpenLink, ServerLink, ServerLinkEvents } from "./link.ts";
import { secretKey } from "./peer-secret.ts";
import type { LaneShape } from "./shape.ts";

/** Metadata by which each side says the largest message it takes. */
const limitKey = "throughline-max-message-bytes";

/** Bytes handed to HTTP/2 and not yet taken by the socket, above which a lane counts as backed up. */
const backedUpBytes = 256 * 1024;

/** How a server that is leaving refuses a lane. */
export const leavingDetails = "the server is leaving";

/** A serializer for messages that are bytes already. */
export function passBytes(bytes: Buffer): Buffer {
  return bytes;
}

/** Opens a lane as a bidirectional gRPC stream. The server's first metadata are its acceptance. */
export function openGrpcLink(
  channels: GrpcChannels,
  shape: LaneShape,
  maxMessageBytes: number,
  { secret, refused }: { secret: string | undefined; refused: (details: string) => void },
): OpenLink<Buffer> {
  const encode = createItemEncoder(shape);
  return (events) => {
    const metadata = new Metadata({ waitForReady: true });
    metadata.set(limitKey, String(maxMessageBytes));
    if (secret !== undefined) metadata.set(secretKey, secret);
    const lease = channels.lease();
    const stream: ClientDuplexStream<Buffer, Buffer> = lease.client.makeBidiStreamRequest(
      shape.path,
      passBytes,
      passBytes,
      metadata,
      {},
    );
    const writer = countedWriter(stream, () => events.writable());
    let maxItemBytes = maxMessageBytes;
    let over = false;
    let ended = false;
    let dying = false;

    function close(fault: Error | undefined): void {
      if (over) return;
      over = true;
      lease.release();
      events.closed(fault);
    }

    stream.on("metadata", (answer: Metadata) => {
      maxItemBytes = readLimit(answer, maxMessageBytes);
      events.ready();
    });
    stream.on("data", (message: Buffer) => {
      if (over) return;
      if (message.byteLength === 0) {
        lease.leaving();
        events.draining();
        return;
      }
      try {
        decodeResults(shape, message, events.result);
      } catch (error) {
        stream.cancel();
        close(error as Error);
      }
      events.given();
    });
    // Every failure is reported as a status too.
    stream.on("error", () => {});
    stream.on("status", ({ code, details }) => {
      dying = true;
      if (details === leavingDetails) lease.leaving();
      if (code === status.UNAUTHENTICATED) refused(details);
      // After the messages that arrived with it.
      setImmediate(() => close(code === status.OK ? undefined : new Error(`gRPC status ${code}: ${details}`)));
    });

    const link: ClientLink = {
      send(items) {
        if (!over && !ended) encode(items, maxItemBytes, writer.write, events.unsent);
      },
      // A message that is sent into a lane which has just ended would be lost, so it waits for another lane.
      get congested() {
        return dying || writer.congested();
      },
      end() {
        if (ended) return;
        ended = true;
        stream.end();
      },
      destroy: () => stream.cancel(),
    };
    return link;
  };
}

/** Serves a lane that came as a bidirectional gRPC stream. */
export function serveGrpcLink(
  stream: ServerDuplexStream<Buffer, Buffer>,
  shape: LaneShape,
  encode: ResultEncoder,
  maxMessageBytes: number,
  accept: (link: ServerLink) => ServerLinkEvents<Buffer>,
): void {
  const maxResultBytes = readLimit(stream.metadata, maxMessageBytes);
  let over = false;
  const writer = countedWriter(stream, () => events.writable());
  const events = accept({
    send(results) {
      if (!over) encode(results, maxResultBytes, writer.write, events.unsent);
    },
    get congested() {
      return writer.congested();
    },
    announceDrain() {
      if (!over) writer.write(Buffer.alloc(0));
    },
    finish() {
      over = true;
      stream.end();
    },
    destroy: () => cut(status.UNAVAILABLE, "the lane was cut"),
  });

  function broken(): void {
    if (over) return;
    over = true;
    events.broken();
  }

  function cut(code: status, details: string): void {
    if (over) return;
    broken();
    stream.emit("error", { code, details });
  }

  stream.on("data", (message: Buffer) => {
    if (over) return;
    try {
      decodeItems(shape, message, events.item);
    } catch (error) {
      cut(status.INVALID_ARGUMENT, (error as Error).message);
      return;
    }
    events.batchEnd();
  });
  stream.on("end", () => {
    if (!over) events.ended();
  });
  stream.on("cancelled", broken);
  stream.on("error", broken);
  stream.on("close", broken);
  const metadata = new Metadata();
  metadata.set(limitKey, String(maxMessageBytes));
  stream.sendMetadata(metadata);
}

interface CountedWriter {
  write(message: Buffer): void;
  congested(): boolean;
}

/** Counts what the stream has not taken yet: its own high-water mark counts messages, whatever their size. */
function countedWriter(
  stream: { write(message: Buffer, written: () => void): boolean },
  onWritable: () => void,
): CountedWriter {
  let pendingBytes = 0;
  return {
    write(message) {
      const { byteLength } = message;
      pendingBytes += byteLength;
      stream.write(message, () => {
        const wasBackedUp = pendingBytes > backedUpBytes;
        pendingBytes -= byteLength;
        if (wasBackedUp && pendingBytes <= backedUpBytes) onWritable();
      });
    },
    congested: () => pendingBytes > backedUpBytes,
  };
}

/** The smaller of the two sides' limits. */
function readLimit(metadata: Metadata, ownLimit: number): number {
  const theirs = Number(metadata.get(limitKey)[0]);
  return theirs > 0 ? Math.min(theirs, ownLimit) : ownLimit;
}

/** The message limit that grpc-js enforces: an item of ours, or a full batch, and its framing. */
export function transportLimit(maxMessageBytes: number): number {
  return Math.max(maxMessageBytes, batchBytes) + 1_024;
}
