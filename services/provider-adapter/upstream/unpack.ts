import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from "node:zlib";

/** Unpacks one body as it comes. */
export interface Unpacker {
  /** Takes the next bytes as the socket read them. False: no more is wanted until `onDrained`. */
  write(chunk: Buffer): boolean;
  /** The body has come to its end. */
  end(): void;
  pause(): void;
  resume(): void;
  /** Nothing more is wanted of it. */
  destroy(): void;
}

/** Who hears what was packed. */
export interface UnpackerSink {
  onData(chunk: Buffer): void;
  /** It takes bytes again. */
  onDrained(): void;
  /** All of it has been heard. */
  onEnd(): void;
  /** The bytes are not what the head says. Nothing follows. */
  onBroken(): void;
}

const makers: Readonly<Record<string, (start: Buffer) => Transform>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  // Some servers leave zlib's header out, against RFC 9110, 8.4.1.2.
  deflate: (start) => (((start[0] ?? 0) & 0x0f) === 0x08 ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
};

/** Most packings around one another: more than one is rare, and each multiplies. */
const maxLayers = 2;

/** The packings that a Content-Encoding names, the innermost first; undefined: one of them is not known. */
function layersOf(encoding: string): readonly string[] | undefined {
  const names = encoding
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "" && name !== "identity");
  const isKnown = names.length <= maxLayers && names.every((name) => Object.hasOwn(makers, name));
  return isKnown ? names : undefined;
}

/** What a head says of how its body is packed. */
export function packingOf(encoding: string | string[] | undefined): "plain" | "packed" | "unknown" {
  if (encoding === undefined) return "plain";
  const layers = layersOf(String(encoding));
  if (layers === undefined) return "unknown";
  return layers.length === 0 ? "plain" : "packed";
}

/** Begins to unpack a body, though nobody asked for it to be packed: what the upstream's cache holds may be. */
export function createUnpacker(encoding: string | string[], sink: UnpackerSink): Unpacker {
  const layers = [...(layersOf(String(encoding)) ?? [])].reverse();
  let chain: readonly Transform[] = [];
  let paused = false;
  let over = false;

  function broken(): void {
    if (over) return;
    destroy();
    sink.onBroken();
  }

  function destroy(): void {
    over = true;
    for (const stream of chain) stream.destroy();
  }

  function open(start: Buffer): void {
    chain = layers.flatMap((name) => makers[name]?.(start) ?? []);
    for (const [index, stream] of chain.entries()) {
      stream.on("error", broken);
      const next = chain[index + 1];
      if (next !== undefined) stream.pipe(next);
    }
    const [first, last] = [chain[0], chain.at(-1)];
    first?.on("drain", () => {
      if (!over) sink.onDrained();
    });
    last?.on("data", (chunk: Buffer) => {
      if (!over) sink.onData(chunk);
    });
    last?.on("end", () => {
      if (over) return;
      over = true;
      sink.onEnd();
    });
    if (paused) last?.pause();
  }

  return {
    write(chunk) {
      if (over) return true;
      if (chain.length === 0) open(chunk);
      return chain[0]?.write(chunk) ?? true;
    },
    end() {
      if (over) return;
      // A body of no bytes is packed by nothing.
      if (chain.length > 0) chain[0]?.end();
      else {
        over = true;
        sink.onEnd();
      }
    },
    pause() {
      paused = true;
      chain.at(-1)?.pause();
    },
    resume() {
      paused = false;
      chain.at(-1)?.resume();
    },
    destroy,
  };
}
